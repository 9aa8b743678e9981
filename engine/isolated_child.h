// A child process that prepares a mount namespace of its own and then becomes another program.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/result.h"

namespace burrow::engine {

/// Gives this process a mount namespace of its own, from which nothing spreads to the host, with
/// the unified cgroup hierarchy at /sys/fs/cgroup if the host has it elsewhere or not at all.
Result<void> enter_private_mounts();

/// How the program ended, or why it never started.
struct ChildOutcome {
  int exit_code = 0;  ///< 128 + signal when a signal ended it
};

/// Forks a child; there, enters private mounts, calls `prepare` and runs the arguments that it
/// yields, with `stdio` as its standard descriptors. Waits for its end. `prepare` runs in the
/// child: what it changes in memory is lost. The child dies with us. For programs of one thread.
/// Errors: those of `prepare`.
Result<ChildOutcome> run_isolated(const std::function<Result<std::vector<std::string>>()>& prepare,
                                  const std::array<int, 3>& stdio);

}  // namespace burrow::engine
