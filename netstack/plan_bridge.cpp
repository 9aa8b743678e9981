#include "netstack/plan_bridge.h"

#include <algorithm>

namespace burrow::netstack {
namespace {

constexpr uint32_t kDefaultMetric = 100;
constexpr uint32_t kLeastIpv6Mtu = 1280;

Result<void> check_ipam(const AttachmentRequest& request) {
  const auto& options = request.network.ipam_options;
  const auto driver = options.find("driver");
  if (driver == options.end() || driver->second == "host-local") {
    if (!request.addresses) {
      return fail(Errc::invalid_input, "no static ips provided for network \"{}\"",
                  request.network.name);
    }
    return {};
  }
  if (driver->second == "none") return {};
  if (driver->second == "dhcp") {
    return fail(Errc::unsupported, "network \"{}\": ipam driver \"dhcp\" is not supported",
                request.network.name);
  }
  return fail(Errc::invalid_input, "network \"{}\": unsupported ipam driver \"{}\"",
              request.network.name, driver->second.substr(0, 64));
}

bool has_ipam(const AttachmentRequest& request) {
  const auto& options = request.network.ipam_options;
  const auto driver = options.find("driver");
  return driver == options.end() || driver->second != "none";
}

// The container's addresses, subnet by subnet. Errors: an address without subnet, or a gateway's.
Result<std::vector<StatusAddress>> addresses_of(const AttachmentRequest& request) {
  std::vector<StatusAddress> result;
  if (!has_ipam(request)) return result;
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

SetSysctl setting(Place place, std::string_view family, const LinkName& link, std::string_view key,
                  std::string_view value) {
  return {place, fmt::format("net/{}/conf/{}/{}", family, link, key), std::string{value}, {}};
}

// Free in `used`, `wanted` or the next above it; joins `used`.
uint32_t take_metric(std::vector<uint32_t>& used, uint32_t wanted) {
  while (std::ranges::find(used, wanted) != used.end() && wanted < UINT32_MAX) ++wanted;
  used.push_back(wanted);
  return wanted;
}

void add_default_routes(const BridgeAttachment& attachment, UsedMetrics& used, Steps& steps) {
  if (attachment.request->network.is_internal) return;
  if (attachment.options.default_route == DefaultRoute::unwanted) return;
  const auto wanted = attachment.options.metric.value_or(kDefaultMetric);
  for (const auto family : {Family::ipv4, Family::ipv6}) {
    // The gateway of a subnet that the container has an address in: no other can be reached.
    const auto entry = std::ranges::find_if(attachment.addresses, [&](const StatusAddress& one) {
      return one.gateway && one.gateway->family() == family;
    });
    if (entry == attachment.addresses.end()) continue;
    const auto everywhere = *IpNetwork::containing(
        family == Family::ipv4 ? IpAddress::v4(0) : *IpAddress::parse("::"), 0);
    auto& metrics = family == Family::ipv4 ? used.ipv4 : used.ipv6;
    steps.emplace_back(AddRoute{{everywhere, *entry->gateway, take_metric(metrics, wanted)}});
  }
}

}  // namespace

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

bool BridgeAttachment::has_family(Family family) const {
  return std::ranges::any_of(request->network.subnets, [&](const Subnet& subnet) {
    return subnet.network.family() == family;
  });
}

std::optional<IpAddress> BridgeAttachment::first_address(Family family) const {
  for (const auto& entry : addresses) {
    if (entry.address.address.family() == family) return entry.address.address;
  }
  return std::nullopt;
}

Result<BridgeAttachment> decode_bridge_attachment(const AttachmentRequest& request) {
  const auto& network = request.network;
  if (network.driver != "bridge") {
    return fail(Errc::unsupported, "network \"{}\": driver \"{}\" is not supported", network.name,
                network.driver.substr(0, 64));
  }
  if (!network.interface) {
    return fail(Errc::invalid_input, "network \"{}\": network_interface is missing: no bridge name",
                network.name);
  }
  auto options = decode_bridge_options(request);
  if (!options) {
    return with_context(std::move(options).error(), fmt::format("network \"{}\"", network.name));
  }
  TRY_VOID(check_ipam(request));
  BridgeAttachment attachment{.request = &request,
                              .bridge = *network.interface,
                              .options = *std::move(options),
                              .addresses = TRY(addresses_of(request))};
  if (has_ipam(request)) {
    for (const auto& subnet : network.subnets) {
      if (subnet.gateway) attachment.gateways.push_back(*subnet.gateway);
    }
  }
  return attachment;
}

firewall::NetworkPolicy policy_of(const BridgeAttachment& attachment, bool serves_dns,
                                  uint16_t dns_port, firewall::Loopback6 loopback6) {
  const auto& network = attachment.request->network;
  firewall::NetworkPolicy policy{
      .name = network.name,
      .bridge = attachment.bridge,
      .isolation = attachment.options.isolation,
      .reach = network.is_internal ? firewall::Reach::internal : firewall::Reach::external,
      .outbound4 = attachment.options.outbound4,
      .outbound6 = attachment.options.outbound6,
      .loopback6 = loopback6};
  for (const auto& subnet : network.subnets) policy.subnets.push_back(subnet.network);
  if (serves_dns) {
    for (const auto& gateway : attachment.gateways) policy.dns.push_back({gateway, dns_port});
  }
  return policy;
}

Steps fresh_network_steps(const BridgeAttachment& attachment,
                          std::vector<firewall::Element> elements) {
  const auto& network = attachment.request->network;
  const auto& bridge = attachment.bridge;
  const bool has_ipv6 = attachment.has_family(Family::ipv6);
  Steps steps;
  if (!elements.empty()) steps.emplace_back(ChangeFirewall{.add = std::move(elements)});
  // The address depends on the network alone: neighbours never see a bridge change its own.
  const auto mac = MacAddress::derived_from(fmt::format("bridge {} {}", network.id, bridge));
  steps.emplace_back(CreateBridge{{bridge, mac, attachment.options.mtu}});
  if (network.is_internal) {
    steps.emplace_back(setting(Place::host, "ipv4", bridge, "forwarding", "0"));
    if (has_ipv6) steps.emplace_back(setting(Place::host, "ipv6", bridge, "forwarding", "0"));
  } else {
    // Ports published on 127.0.0.1 lead from the loopback network to the bridge.
    steps.emplace_back(setting(Place::host, "ipv4", bridge, "route_localnet", "1"));
  }
  if (has_ipv6) {
    // Without duplicate address detection: until its link-local address is settled, a bridge asks
    // for no neighbours, and nothing reaches the first container for seconds.
    steps.emplace_back(setting(Place::host, "ipv6", bridge, "accept_dad", "0"));
    steps.emplace_back(setting(Place::host, "ipv6", bridge, "accept_ra", "0"));
  }
  // Loose: a container on two networks may answer by the other one.
  steps.emplace_back(setting(Place::host, "ipv4", bridge, "rp_filter", "2"));
  for (const auto& subnet : network.subnets) {
    if (!subnet.gateway || attachment.gateways.empty()) continue;
    steps.emplace_back(
        AddAddress{Place::host, bridge, {*subnet.gateway, subnet.network.prefix_length()}});
  }
  steps.emplace_back(BringUp{Place::host, bridge});
  if (has_ipv6 && !network.is_internal) steps.emplace_back(AnswerLoopback{bridge});
  return steps;
}

Steps missing_network_steps(const Steps& fresh, const NetworkSnapshot& snapshot) {
  Steps missing;
  for (const auto& step : fresh) {
    const auto* change = std::get_if<ChangeFirewall>(&step);
    if (change != nullptr) {
      std::vector<firewall::Element> before;
      if (snapshot.record && snapshot.is_in_firewall) before = elements_of(snapshot.record->steps);
      ChangeFirewall difference;
      const auto without = [](const auto& all, const auto& known) {
        std::vector<firewall::Element> rest;
        std::ranges::copy_if(all, std::back_inserter(rest), [&](const firewall::Element& element) {
          return std::ranges::find(known, element) == known.end();
        });
        return rest;
      };
      difference.remove = without(before, change->add);
      difference.add = without(change->add, before);
      if (!difference.add.empty() || !difference.remove.empty()) {
        missing.emplace_back(std::move(difference));
      }
      continue;
    }
    if (!snapshot.bridge) {
      missing.push_back(step);
    } else if (const auto* add = std::get_if<AddAddress>(&step)) {
      const auto& there = snapshot.bridge->addresses;
      if (std::ranges::find(there, add->address) == there.end()) missing.push_back(step);
    } else if (std::holds_alternative<BringUp>(step) && !snapshot.bridge->is_up) {
      missing.push_back(step);
    }
  }
  return missing;
}

Steps attachment_steps(const BridgeAttachment& attachment, const host::NewVeth& veth,
                       const ContainerSnapshot& container, UsedMetrics& used) {
  const auto& link = attachment.request->interface;
  Steps steps;
  steps.emplace_back(CreateVeth{veth});
  steps.emplace_back(setting(Place::container, "ipv4", link, "arp_notify", "1"));
  steps.emplace_back(setting(Place::container, "ipv4", link, "rp_filter", "2"));
  // Below the least MTU of IPv6 (RFC 8200 section 5) a link has no such settings.
  const bool is_wide_enough = veth.mtu.value_or(kLeastIpv6Mtu) >= kLeastIpv6Mtu;
  if (container.has_ipv6 && (is_wide_enough || attachment.has_family(Family::ipv6))) {
    steps.emplace_back(setting(Place::container, "ipv6", link, "autoconf", "0"));
    steps.emplace_back(setting(Place::container, "ipv6", link, "accept_ra", "0"));
    steps.emplace_back(setting(Place::container, "ipv6", link, "accept_dad", "0"));
  }
  for (const auto& entry : attachment.addresses) {
    steps.emplace_back(AddAddress{Place::container, link, entry.address});
  }
  steps.emplace_back(BringUp{Place::container, link});
  add_default_routes(attachment, used, steps);
  for (const auto& route : attachment.request->network.routes) {
    if (!has_ipam(*attachment.request)) break;  // no address to reach a gateway from
    steps.emplace_back(AddRoute{{route.destination, route.gateway,
                                 route.metric.value_or(kDefaultMetric), kind_of(route.type)}});
  }
  return steps;
}

}  // namespace burrow::netstack
