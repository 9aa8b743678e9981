// Runs burrow-netstack, as Podman runs netavark: JSON in, JSON out.
#pragma once

#include <map>
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

/// Reads a stored StatusBlock of `network`. Errors: corrupt.
Result<netstack::Status> decode_status(const NetworkName& network, const std::string& json);

}  // namespace burrow::engine
