// The root file system of a container: an overlay whose lower layer is never written to. Mounted in
// the caller's mount namespace, which must be its own.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/result.h"
#include "engine/oci_spec.h"

namespace burrow::engine {

/// Where a container's root is made.
struct RootPaths {
  std::filesystem::path lower;    ///< what the user gave, or the host's "/"
  std::filesystem::path target;   ///< where the root appears
  std::filesystem::path layer;    ///< keeps what the container writes, if the lower allows it
  std::filesystem::path scratch;  ///< else a memory file system is mounted here
};

/// Mounts the root. Writes go to `layer` where the kernel can stack it over `lower`; to memory when
/// `layer` lies inside `lower`, as it does for "/"; nowhere when the kernel refuses both, and then
/// the root is read-only. Yields which. Errors: not_found, system.
Result<RootAccess> mount_root(const RootPaths& paths);

/// Looks a command up in a root, as the container will: `path` is its PATH. Links are followed
/// inside the root alone. Errors: not_found; permission when it is there but cannot be run.
Result<void> check_command(const std::filesystem::path& root, const std::string& command,
                           const std::string& path);

}  // namespace burrow::engine
