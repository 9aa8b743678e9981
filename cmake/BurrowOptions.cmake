# Compiler flags for every target: warnings as errors, sanitizers, static runtime, ccache and mold.

option(BURROW_TESTS "Build the tests (needs doctest)" ON)
option(BURROW_BENCH "Build the programs under bench/" ON)
option(BURROW_FUZZ "Build the fuzz targets (needs clang)" OFF)
option(BURROW_STATIC_RUNTIME "Link libstdc++ and libgcc statically" OFF)
option(BURROW_STATIC "Link burrow-netstack without any shared library (not with sanitizers)" ON)
set(BURROW_SANITIZE "" CACHE STRING "Sanitizers, as for -fsanitize=")

add_compile_options(-Wall -Wextra -Wpedantic -Werror -Wshadow -Wconversion -Wnon-virtual-dtor
                    -Wold-style-cast -Wimplicit-fallthrough
                    # Designated initialisers leave out what has a default.
                    -Wno-missing-field-initializers -fno-omit-frame-pointer)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 reports these inside libstdc++ and fmt at -O2 and with sanitizers: known false positives.
  add_compile_options(-Wno-restrict -Wno-stringop-overflow -Wno-stringop-overread
                      -Wno-array-bounds -Wno-maybe-uninitialized -Wno-dangling-pointer)
elseif(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  add_compile_options(-Wno-gnu-statement-expression)
endif()

if(CMAKE_BUILD_TYPE STREQUAL "Release")
  add_compile_options(-O2 -ffunction-sections -fdata-sections)
  add_link_options(-Wl,--gc-sections)
endif()

if(BURROW_FUZZ)
  # Coverage of our libraries, which is what a fuzzer finds its way by.
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(BURROW_SANITIZE)
  add_compile_options(-fsanitize=${BURROW_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${BURROW_SANITIZE})
elseif(BURROW_STATIC_RUNTIME)
  add_link_options(-static-libstdc++ -static-libgcc)
endif()

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
endif()
find_program(MOLD mold)
if(MOLD AND NOT CMAKE_BUILD_TYPE STREQUAL "Release")
  add_link_options(-fuse-ld=mold)
endif()
