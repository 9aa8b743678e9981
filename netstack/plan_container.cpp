#include "netstack/plan_container.h"

#include <algorithm>

namespace burrow::netstack {
namespace {

constexpr uint32_t kStaticRouteMetric = 100;
constexpr uint32_t kLeastIpv6Mtu = 1280;

Result<Ipam> decode_ipam(const AttachmentRequest& request) {
  const auto& name = request.network.name;
  const auto* driver = find_word(request.network.ipam_options, "driver");
  if (driver == nullptr || *driver == "host-local") {
    if (!request.addresses) {
      return fail(Errc::invalid_input, "no static ips provided for network \"{}\"", name);
    }
    return Ipam::host_local;
  }
  if (*driver == "none") return Ipam::none;
  if (*driver == "dhcp") return Ipam::dhcp;
  return fail(Errc::invalid_input, "network \"{}\": unsupported ipam driver \"{}\"", name,
              driver->substr(0, 64));
}

// The container's addresses, subnet by subnet. Errors: an address without subnet, or a gateway's.
Result<std::vector<StatusAddress>> addresses_of(const AttachmentRequest& request) {
  std::vector<StatusAddress> result;
  for (const auto& subnet : request.network.subnets) {
    for (const auto& address : *request.addresses) {
      if (!subnet.network.contains(address)) continue;
      if (address == subnet.gateway) {
        return fail(Errc::invalid_input, "requested static ip {} is the gateway of network \"{}\"",
                    address.to_string(), request.network.name);
      }
      result.push_back({{address, subnet.network.prefix_length()}, subnet.gateway});
    }
  }
  for (const auto& address : *request.addresses) {
    const auto is_it = [&](const StatusAddress& found) { return found.address.address == address; };
    const auto count = std::ranges::count_if(result, is_it);
    if (count == 0) {
      return fail(Errc::invalid_input, "requested static ip {} not in any subnet on network \"{}\"",
                  address.to_string(), request.network.name);
    }
    if (count > 1) {
      return fail(Errc::invalid_input, "static ip {} is requested twice on network \"{}\"",
                  address.to_string(), request.network.name);
    }
  }
  return result;
}

// Free in `used`, `wanted` or the next above it; joins `used`.
uint32_t take_metric(std::vector<uint32_t>& used, uint32_t wanted) {
  while (std::ranges::find(used, wanted) != used.end() && wanted < UINT32_MAX) ++wanted;
  used.push_back(wanted);
  return wanted;
}

void add_default_routes(const ContainerSide& side, UsedMetrics& used, Steps& steps) {
  if (side.default_route == DefaultRoute::unwanted) return;
  for (const auto family : {Family::ipv4, Family::ipv6}) {
    // The gateway of a subnet that the container has an address in: no other can be reached.
    const auto& addresses = side.addressing.addresses;
    const auto entry = std::ranges::find_if(addresses, [&](const StatusAddress& one) {
      return one.gateway && one.gateway->family() == family;
    });
    if (entry == addresses.end()) continue;
    const auto everywhere = *IpNetwork::containing(
        family == Family::ipv4 ? IpAddress::v4(0) : *IpAddress::parse("::"), 0);
    auto& metrics = family == Family::ipv4 ? used.ipv4 : used.ipv6;
    steps.emplace_back(AddRoute{{everywhere, *entry->gateway, take_metric(metrics, side.metric)}});
  }
}

void add_ipv6_settings(const ContainerSide& side, Steps& steps) {
  const auto set = [&](std::string_view key) {
    steps.emplace_back(link_setting(Place::container, "ipv6", side.link, key, "0"));
  };
  set("autoconf");
  if (side.advertisements == RouterAdvertisements::off) set("accept_ra");
  if (side.advertisements == RouterAdvertisements::without_default_route) set("accept_ra_defrtr");
  set("accept_dad");
}

}  // namespace

std::optional<IpAddress> Addressing::first_address(Family family) const {
  for (const auto& entry : addresses) {
    if (entry.address.address.family() == family) return entry.address.address;
  }
  return std::nullopt;
}

std::string Addressing::mac_seed(const ContainerId& container, const LinkName& interface) const {
  return addresses.empty() ? fmt::format("{} {}", container, interface)
                           : addresses.front().address.to_string();
}

Result<Addressing> decode_addressing(const AttachmentRequest& request) {
  Addressing addressing{.ipam = TRY(decode_ipam(request))};
  if (addressing.ipam != Ipam::host_local) return addressing;
  addressing.addresses = TRY(addresses_of(request));
  for (const auto& subnet : request.network.subnets) {
    if (subnet.gateway) addressing.gateways.push_back(*subnet.gateway);
  }
  addressing.routes = request.network.routes;
  return addressing;
}

DefaultRoute default_route_of(const Network& network, DefaultRoute option) {
  return network.is_internal ? DefaultRoute::unwanted : option;
}

Steps container_steps(const ContainerSide& side, const ContainerSnapshot& container,
                      UsedMetrics& used) {
  Steps steps;
  steps.emplace_back(link_setting(Place::container, "ipv4", side.link, "arp_notify", "1"));
  steps.emplace_back(link_setting(Place::container, "ipv4", side.link, "rp_filter", "2"));
  // Below the least MTU of IPv6 (RFC 8200 section 5) a link has no such settings.
  const bool is_wide_enough = side.mtu.value_or(kLeastIpv6Mtu) >= kLeastIpv6Mtu;
  if (container.has_ipv6 && (is_wide_enough || side.has_ipv6) &&
      side.advertisements != RouterAdvertisements::untouched) {
    add_ipv6_settings(side, steps);
  }
  for (const auto& entry : side.addressing.addresses) {
    steps.emplace_back(AddAddress{Place::container, side.link, entry.address});
  }
  steps.emplace_back(BringUp{Place::container, side.link});
  add_default_routes(side, used, steps);
  for (const auto& route : side.addressing.routes) {
    steps.emplace_back(AddRoute{{route.destination, route.gateway,
                                 route.metric.value_or(kStaticRouteMetric), kind_of(route.type)}});
  }
  return steps;
}

SetSysctl link_setting(Place place, std::string_view family, const LinkName& link,
                       std::string_view key, std::string_view value) {
  return {place, fmt::format("net/{}/conf/{}/{}", family, link, key), std::string{value}, {}};
}

host::RouteKind kind_of(RouteType type) {
  switch (type) {
    case RouteType::unicast:
      return host::RouteKind::unicast;
    case RouteType::blackhole:
      return host::RouteKind::blackhole;
    case RouteType::unreachable:
      return host::RouteKind::unreachable;
    case RouteType::prohibit:
      return host::RouteKind::prohibit;
  }
  return host::RouteKind::unicast;
}

}  // namespace burrow::netstack
