// The network namespace of one container, kept alive by a bind mount that has a path.
#pragma once

#include <filesystem>

#include "core/result.h"

namespace burrow::engine {

/// Makes a new namespace at `path`, its loopback up. The namespace is born on a thread that ends.
/// Nothing is left behind by a failure. Errors: already_exists, permission, system.
Result<void> create_netns(const std::filesystem::path& path);

/// Detaches and removes what `create_netns` made; one that is not there is fine.
Result<void> remove_netns(const std::filesystem::path& path);

}  // namespace burrow::engine
