// Runs burrow-netstack, as Podman runs netavark: JSON in, JSON out.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "engine/directories.h"
#include "engine/netstack_document.h"
#include "netstack/status.h"

namespace burrow::engine {

/// What a set-up yielded for one network.
struct NetworkStatus {
  netstack::Status status;
  std::string json;  ///< the StatusBlock as netstack wrote it
};

/// Configures `netns`. Errors: netstack's own sentence; corrupt when its answer is none.
Result<std::vector<NetworkStatus>> netstack_setup(const Directories& directories,
                                                  const fs::path& netns,
                                                  const NetstackSubject& subject);
/// Takes back what a set-up made; needs no set-up to have happened.
Result<void> netstack_teardown(const Directories& directories, const fs::path& netns,
                               const NetstackSubject& subject);

/// Changes limits of a network, or of a container on it, while containers run there; by the option
/// of the limit, an empty word takes one away. Errors: netstack's own sentence.
Result<void> netstack_limit(const Directories& directories, const NetworkName& network,
                            const std::optional<ContainerId>& container,
                            const std::map<std::string, std::string>& changes);

/// Reads a stored StatusBlock of `network`. Errors: corrupt.
Result<netstack::Status> decode_status(const NetworkName& network, const std::string& json);

}  // namespace burrow::engine
