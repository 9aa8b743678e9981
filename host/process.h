// Running another program: its input, its output, its end.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace burrow::host {

/// What to run. `arguments[0]` is the program: a path, or a name looked up in PATH.
struct Command {
  std::vector<std::string> arguments;
  std::string input;                     ///< its standard input, whole
  std::vector<std::string> environment;  ///< "NAME=value", added to ours
};

/// How a program ended. Exactly one of `exit_code` and `signal` tells why.
struct Outcome {
  int exit_code = 0;
  int signal = 0;  ///< 0: it exited by itself
  std::string output;
  std::string error_output;
  [[nodiscard]] bool is_success() const { return exit_code == 0 && signal == 0; }
};

/// Runs a program to its end and to the end of its output, which is read while it runs; a child of
/// the program that keeps an output open is waited for. Output beyond 16 MiB is cut.
/// Errors: not_found when there is no such program, system.
Result<Outcome> run(const Command& command);

}  // namespace burrow::host
