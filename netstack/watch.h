// The sub-command `watch`: sleeps until somebody takes something out of our firewall table, and has
// it put back. Decides when; what is put back is the healer's matter.
#pragma once

#include <filesystem>
#include <vector>

#include "core/result.h"

namespace burrow::netstack {

/// The run directories that the engines of a host use: Podman's and our own.
std::vector<std::filesystem::path> usual_run_directories();

/// Heals the table of the calling thread's network namespace, first at once and then whenever the
/// kernel tells of a loss; where there is a message bus, a thread puts bridges back into their zone
/// whenever firewalld forgets them. Runs until a signal ends the process. Uses no CPU while nothing
/// happens. Errors: unsupported, permission, system: what makes listening impossible.
Result<void> watch(const std::vector<std::filesystem::path>& run_directories);

}  // namespace burrow::netstack
