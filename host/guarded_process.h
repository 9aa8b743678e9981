// Running a program that cannot be trusted to end, to be brief, or to read what it is told. For
// programs that can, host/process.h is less work.
#pragma once

#include <chrono>
#include <string>
#include <variant>

#include "core/result.h"
#include "host/process.h"

namespace burrow::host {

/// What a program may cost.
struct Bounds {
  std::chrono::milliseconds time;           ///< from its start to its end
  size_t output = size_t{1} << 20U;         ///< bytes on standard output
  size_t error_output = size_t{64} << 10U;  ///< bytes on standard error; what is more is dropped
};

/// It ended by itself.
struct Exited {
  int status = 0;
};
/// A signal that was not ours ended it.
struct Killed {
  int signal = 0;
};
/// It was still running at its deadline: killed with all that it had started in its process group.
struct TimedOut {};
/// It wrote more than it may: killed likewise.
struct Flooded {};

/// How a program ended, and what it wrote until then.
struct GuardedOutcome {
  std::variant<Exited, Killed, TimedOut, Flooded> end;
  std::string output;
  std::string error_output;
};

/// Runs `command.arguments[0]`, which must be a path, in a process group of its own. Input is
/// written and both outputs are read at once; the end of the process counts, whoever keeps its
/// outputs open. The program is killed when the calling thread ends, so that nothing it does
/// outlives a command that was cut short. Call from a thread without signal handlers for SIGPIPE.
/// Errors: not_found or permission when it cannot be run, system.
Result<GuardedOutcome> run_guarded(const Command& command, const Bounds& bounds);

}  // namespace burrow::host
