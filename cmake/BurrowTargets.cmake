# The three shapes a folder is made of.

# burrow_library(NAME [LINK libs...]): every .cpp of the folder but main.cpp, as a static library
# that others include as "NAME/file.h".
function(burrow_library name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/main\\.cpp$")
  add_library(burrow_${name} STATIC ${sources})
  target_include_directories(burrow_${name} PUBLIC ${CMAKE_SOURCE_DIR})
  target_link_libraries(burrow_${name} PUBLIC ${ARG_LINK})
endfunction()

# burrow_program(NAME LIBRARY): the folder's main.cpp on top of its library.
function(burrow_program name library)
  add_executable(${name} ${CMAKE_CURRENT_SOURCE_DIR}/main.cpp)
  target_link_libraries(${name} PRIVATE burrow_${library})
endfunction()

# burrow_static_pkg(TARGET PACKAGE): a system library by pkg-config, from its archive where Debian
# ships one, so that programs start without loading it.
function(burrow_static_pkg target package)
  pkg_check_modules(${package} REQUIRED IMPORTED_TARGET ${package})
  list(GET ${package}_LINK_LIBRARIES 0 shared)
  string(REGEX REPLACE "\\.so$" ".a" archive "${shared}")
  target_include_directories(${target} SYSTEM PUBLIC ${${package}_INCLUDE_DIRS})
  if(EXISTS "${archive}")
    target_link_libraries(${target} PUBLIC ${archive})
  else()
    target_link_libraries(${target} PUBLIC PkgConfig::${package})
  endif()
endfunction()
