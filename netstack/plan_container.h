// What every driver plans inside a container: addresses, settings and routes of one link, which the
// driver itself makes. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "netstack/option_words.h"
#include "netstack/request.h"
#include "netstack/snapshot.h"
#include "netstack/status.h"
#include "netstack/step.h"

namespace burrow::netstack {

/// Where a network's addresses come from: `host_local` is the engine, in the request; `dhcp` a
/// server of the LAN, who is asked when the link stands.
enum class Ipam { host_local, none, dhcp };

/// What a container gets on one network, as far as the request says it: nothing of a lease.
struct Addressing {
  Ipam ipam = Ipam::host_local;
  std::vector<StatusAddress> addresses;  ///< subnet by subnet
  std::vector<IpAddress> gateways;       ///< of all subnets that have one
  std::vector<StaticRoute> routes;       ///< none without addresses to reach gateways from

  /// The first address of `family`: where ports lead.
  [[nodiscard]] std::optional<IpAddress> first_address(Family family) const;
  /// What links of this attachment derive their MAC addresses from: the address, so that whoever
  /// gets it next has the same MAC and no neighbour's cache is wrong; else container and interface.
  [[nodiscard]] std::string mac_seed(const ContainerId& container, const LinkName& interface) const;
};

/// Decodes `ipam_options` and distributes the requested addresses over the subnets. Errors:
/// invalid_input for an address without subnet, twice, or a gateway's; unsupported.
Result<Addressing> decode_addressing(const AttachmentRequest& request);

/// Whether the network says with an option or by being internal that it is no way out.
DefaultRoute default_route_of(const Network& network, DefaultRoute option);

/// Whether a container learns routes from the routers of its link. `off` where the host is the only
/// router; a container on a LAN may have no other way to know them. `untouched` leaves all of IPv6
/// as the kernel has it, so that a container may choose its addresses by itself, too.
enum class RouterAdvertisements { off, without_default_route, on, untouched };

/// One link inside the container, made already.
struct ContainerSide {
  LinkName link;
  std::optional<uint32_t> mtu;
  const Addressing& addressing;
  DefaultRoute default_route = DefaultRoute::wanted;
  uint32_t metric = 0;  ///< of the default routes
  RouterAdvertisements advertisements = RouterAdvertisements::off;
  bool has_ipv6 = false;  ///< whether the network has IPv6 subnets
};

/// Metrics of default routes that are in use in the container, by family.
struct UsedMetrics {
  std::vector<uint32_t> ipv4;
  std::vector<uint32_t> ipv6;
};

/// Settings, addresses, up, routes. Marks the metrics it takes in `used`: the first network in
/// order has the best default route.
Steps container_steps(const ContainerSide& side, const ContainerSnapshot& container,
                      UsedMetrics& used);

/// A setting of one link that goes with it: `net/FAMILY/conf/LINK/KEY`.
SetSysctl link_setting(Place place, std::string_view family, const LinkName& link,
                       std::string_view key, std::string_view value);

/// A route's type in the kernel's terms.
host::RouteKind kind_of(RouteType type);

}  // namespace burrow::netstack
