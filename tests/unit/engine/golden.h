// Big outputs as files beside the tests, for people to read and for tests to hold on to.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace burrow::engine {

/// The content of tests/unit/engine/golden/NAME. When BURROW_GOLDEN_OUT names a directory, `actual`
/// is written there as well, to be compared and taken over by hand.
inline std::string golden(const std::string& name, const std::string& actual) {
  if (const char* directory = std::getenv("BURROW_GOLDEN_OUT")) {
    std::ofstream{std::filesystem::path{directory} / name} << actual;
  }
  std::ifstream file{std::string{BURROW_SOURCE_DIR "/tests/unit/engine/golden/"} + name};
  return {std::istreambuf_iterator<char>{file}, {}};
}

}  // namespace burrow::engine
