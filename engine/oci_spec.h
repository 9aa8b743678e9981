// The OCI runtime's config.json of a container. Pure. Source: opencontainers/runtime-spec 1.0,
// config.md and config-linux.md.
#pragma once

#include <filesystem>
#include <string>

#include "engine/container.h"

namespace burrow::engine {

/// Whether the container may write to its root.
enum class RootAccess { writable, read_only };

/// The places on the host that a container is made of.
struct BundlePaths {
  std::filesystem::path rootfs;  ///< where its root is mounted
  std::filesystem::path netns;
  std::filesystem::path files;  ///< directory with hosts, resolv.conf and hostname
};

/// A default sandbox: namespaces of its own (the given network namespace), no new privileges,
/// the capabilities that Podman gives, masked kernel files, private /proc, /dev, /dev/shm, /run.
/// No cgroup mount and no resources, since not every host's cgroups can be handed on.
std::string render_oci_spec(const Container& container, const BundlePaths& paths,
                            RootAccess access);

}  // namespace burrow::engine
