// The network namespace of one container, kept alive by a bind mount that has a path.
#pragma once

#include <filesystem>

#include "core/result.h"

namespace burrow::engine {

/// Makes a new namespace at `path`, its loopback up. The namespace is born on a thread that ends.
/// Nothing is left behind by a failure. Errors: already_exists, permission, system.
Result<void> create_netns(const std::filesystem::path& path);

/// Kills every process that lives in the namespace at `path`: what a run that was cut short left
/// behind, whoever its parent is. None when the namespace is gone, or is our own.
Result<void> end_processes_in_netns(const std::filesystem::path& path);

/// Detaches and removes what `create_netns` made; one that is not there is fine.
Result<void> remove_netns(const std::filesystem::path& path);

}  // namespace burrow::engine
