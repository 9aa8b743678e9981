// The sub-command `watch`: sleeps until somebody takes something out of our firewall table, and has
// it put back. Decides when; what is put back is the healer's matter.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "netstack/watch_source.h"

namespace burrow::netstack {

/// The run directories that the engines of a host use: Podman's and our own.
std::vector<std::filesystem::path> usual_run_directories();

/// Heals the table of the calling thread's network namespace, first at once and then whenever the
/// kernel or one of `sources` tells of a loss; runs until a signal ends the process. Uses no CPU
/// while nothing happens. Errors: unsupported, permission, system: what makes listening impossible.
Result<void> watch(const std::vector<std::filesystem::path>& run_directories,
                   const std::vector<std::unique_ptr<WatchSource>>& sources);

}  // namespace burrow::netstack
