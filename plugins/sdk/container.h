// The inside of a container for plugins: its namespace open, with a thread and a socket there.
#pragma once

#include <filesystem>
#include <vector>

#include "host/netns.h"
#include "host/rtnetlink.h"
#include "netstack/request.h"
#include "netstack/status.h"

namespace burrow::plugins {

/// A container's namespace.
struct Container {
  host::NetNs netns;
  host::NetNsThread thread;  ///< for what must be done by somebody who is inside
  host::RouteSocket route;   ///< to the links inside, usable from anywhere

  /// Errors: not_found when it is gone, invalid_input when `path` is no namespace.
  static Result<Container> open(const std::filesystem::path& path);
};

/// Gives a link inside its addresses, brings it up, and adds the network's routes: the default
/// routes by the subnets' gateways, with the option "metric" (100), unless the network is internal
/// or has the option "no_default_route"; and its static ones. Errors: the kernel's.
Result<void> give_addresses(Container& container, const netstack::AttachmentRequest& asked,
                            const std::vector<netstack::StatusAddress>& addresses);

}  // namespace burrow::plugins
