// How a container asks a DHCP server of its link's LAN for addresses, as a step. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "netstack/plan_container.h"

namespace burrow::netstack {

/// The families that the network's addresses are leased in: none unless they come from DHCP, IPv4,
/// and IPv6 where the network has it.
std::vector<Family> leased_families(const Network& network);

/// A link inside the container that is to get its addresses by lease.
struct LeasedLink {
  const AttachmentRequest& attachment;
  MacAddress mac;
  DefaultRoute default_route = DefaultRoute::wanted;
  uint32_t metric = 0;          ///< of all its routes, or the next above it that is free
  std::optional<uint32_t> mtu;  ///< that an option asks for: a lease does not lower it
};

/// The step that gets the lease, without a host name where the container's cannot be told to a
/// server. Marks the metric it takes in `used`. Errors: invalid_input unless `netns` is absolute,
/// as the proxy, which opens it, works elsewhere.
Result<AcquireLease> lease_step(const LeasedLink& link, const SetupRequest& request,
                                const std::string& netns, UsedMetrics& used);

/// Sentences about what of `attachment` has no effect because its addresses are leased.
std::vector<std::string> lease_warnings(const SetupRequest& request,
                                        const AttachmentRequest& attachment);

}  // namespace burrow::netstack
