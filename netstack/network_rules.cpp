#include "netstack/network_rules.h"

#include <algorithm>

namespace burrow::netstack {
namespace {

constexpr int kMostBridgeNumbers = 999'999;
constexpr uint8_t kLongestWithBroadcast = 30;  // RFC 3021: a /31 has no broadcast address

Result<void> check_gateway(const Subnet& subnet) {
  const auto& gateway = *subnet.gateway;
  const auto& network = subnet.network;
  if (!network.contains(gateway)) {
    return fail(Errc::invalid_input, "gateway {} not in subnet {}", gateway.to_string(),
                network.to_string());
  }
  if (network.family() != Family::ipv4 || network.prefix_length() > kLongestWithBroadcast) {
    return {};
  }
  if (gateway == network.address() || gateway == network.last()) {
    return fail(Errc::invalid_input, "gateway {} is the {} address of subnet {}",
                gateway.to_string(), gateway == network.last() ? "broadcast" : "network",
                network.to_string());
  }
  return {};
}

}  // namespace

Gateways gateways_of(const Network& network) {
  return network.is_internal && !network.has_dns ? Gateways::unwanted : Gateways::wanted;
}

Result<void> complete_gateway(Subnet& subnet, Gateways gateways) {
  if (subnet.gateway) return check_gateway(subnet);
  if (gateways == Gateways::unwanted) return {};
  const int longest = subnet.network.family() == Family::ipv4 ? kLongestWithBroadcast : 127;
  if (subnet.network.prefix_length() > longest) {
    return fail(Errc::invalid_input,
                "could not create gateway for subnet {} because it has a {} or greater subnet "
                "prefix",
                subnet.network.to_string(), longest + 1);
  }
  subnet.gateway = subnet.network.address().next();
  return {};
}

Result<void> check_lease_range(const Subnet& subnet) {
  if (!subnet.lease_range) return {};
  const auto& [start, end] = *subnet.lease_range;
  const auto check = [&](const std::optional<IpAddress>& bound,
                         std::string_view which) -> Result<void> {
    if (!bound || subnet.network.contains(*bound)) return {};
    return fail(Errc::invalid_input, "lease range {} {} not in subnet {}", which,
                bound->to_string(), subnet.network.to_string());
  };
  TRY_VOID(check(start, "start_ip"));
  TRY_VOID(check(end, "end_ip"));
  if (start && end && *start > *end) {
    return fail(Errc::invalid_input, "lease range start_ip {} is after end_ip {}",
                start->to_string(), end->to_string());
  }
  return {};
}

Result<void> check_disjoint(const std::vector<Subnet>& subnets) {
  for (auto second = subnets.begin(); second != subnets.end(); ++second) {
    for (auto first = subnets.begin(); first != second; ++first) {
      if (first->network == second->network) {
        return fail(Errc::invalid_input, "duplicate subnet defined: {}",
                    first->network.to_string());
      }
      if (first->network.overlaps(second->network)) {
        return fail(Errc::invalid_input, "overlapping subnets: {} and {}",
                    first->network.to_string(), second->network.to_string());
      }
    }
  }
  return {};
}

bool has_family(const Network& network, Family family) {
  return std::ranges::any_of(
      network.subnets, [&](const Subnet& subnet) { return subnet.network.family() == family; });
}

Result<LinkName> free_bridge_name(std::string_view prefix,
                                  const std::function<bool(const LinkName&)>& is_taken) {
  for (int number = 1; number <= kMostBridgeNumbers; ++number) {
    auto name = LinkName::parse(fmt::format("{}{}", prefix, number));
    if (!name) {
      return with_context(std::move(name).error(),
                          fmt::format("no bridge name from \"{}\"", prefix.substr(0, 64)));
    }
    TRY_VOID(check_bridge_name(*name));
    if (!is_taken(*name)) return *std::move(name);
  }
  return fail(Errc::exhausted, "no free bridge name up to {}{}", prefix, kMostBridgeNumbers);
}

Result<void> check_bridge_name(const LinkName& name) {
  if (NetworkName::parse(name.str())) return {};
  return fail(Errc::invalid_input,
              "bridge name {} is invalid: must match [a-zA-Z0-9][a-zA-Z0-9_.-]*", name);
}

}  // namespace burrow::netstack
