#include "engine/network_create.h"

#include <algorithm>
#include <array>

#include "netstack/create.h"
#include "netstack/network_rules.h"

namespace burrow::engine {
namespace {

using netstack::Network;

// What names begin with that nobody chose, of networks and of their bridges.
constexpr std::string_view kOwnNames = "burrow";

// Words that --network gives another meaning.
constexpr std::array kReservedNames{"none",  "host", "bridge",    "private", "slirp4netns",
                                    "pasta", "ns",   "container", "default"};

bool is_link_in_use(const InUse& in_use, std::string_view name) {
  return std::ranges::find(in_use.host.links, name) != in_use.host.links.end() ||
         std::ranges::any_of(in_use.networks, [&](const Network& network) {
           return network.interface && network.interface->str() == name;
         });
}

bool is_name_in_use(const InUse& in_use, std::string_view name) {
  return std::ranges::any_of(in_use.networks,
                             [&](const Network& network) { return network.name.str() == name; });
}

Result<std::string> free_name(const InUse& in_use) {
  const auto is_taken = [&](const LinkName& name) {
    return is_name_in_use(in_use, name.str()) || is_link_in_use(in_use, name.str());
  };
  return TRY(netstack::free_bridge_name(kOwnNames, is_taken)).str();
}

Result<NetworkName> plan_name(const NewNetwork& wanted, const InUse& in_use) {
  const auto text = wanted.name ? *wanted.name : TRY(free_name(in_use));
  if (std::ranges::find(kReservedNames, text) != kReservedNames.end()) {
    return fail(Errc::invalid_input,
                "cannot create network with name \"{}\" because it conflicts with a valid network "
                "mode",
                text);
  }
  auto name = TRY(NetworkName::parse(text));
  if (is_name_in_use(in_use, text)) {
    return fail(Errc::already_exists, "network already exists {}", text);
  }
  return name;
}

// A network called as a bridge of ours could be gets the bridge of that name.
std::optional<LinkName> bridge_like(const NetworkName& name, const InUse& in_use) {
  if (!name.str().starts_with(kOwnNames) || is_link_in_use(in_use, name.str())) return std::nullopt;
  auto bridge = LinkName::parse(name.str());
  if (!bridge) return std::nullopt;
  return *std::move(bridge);
}

netstack::CreateRequest request_of(Network network, const InUse& in_use,
                                   const std::vector<SubnetPool>& pools) {
  netstack::CreateRequest request{.network = std::move(network),
                                  .used_subnets = in_use.host.prefixes,
                                  .pools = pools,
                                  .default_interface = std::string{kOwnNames}};
  // A bridge that stands already belongs to somebody else.
  request.used_interfaces.insert(in_use.host.links.begin(), in_use.host.links.end());
  for (const auto& other : in_use.networks) {
    request.used_names.emplace(other.name.str(), other.id);
    if (other.interface) request.used_interfaces.insert(other.interface->str());
    for (const auto& subnet : other.subnets) request.used_subnets.push_back(subnet.network);
  }
  return request;
}

}  // namespace

std::vector<SubnetPool> default_pools() {
  std::vector<SubnetPool> pools;
  for (const auto* base :
       {"10.89.0.0/16", "10.90.0.0/15", "10.92.0.0/14", "10.96.0.0/11", "10.128.0.0/9"}) {
    pools.push_back({.base = IpNetwork::parse(base).value()});
  }
  return pools;
}

Result<Network> plan_network(const NewNetwork& wanted, const InUse& in_use, const Birth& birth,
                             const std::vector<SubnetPool>& pools) {
  if (wanted.driver != "bridge") {
    return fail(Errc::unsupported, "network driver \"{}\" is not supported: use bridge",
                wanted.driver);
  }
  Network network{.name = TRY(plan_name(wanted, in_use)),
                  .id = birth.id,
                  .driver = wanted.driver,
                  .interface = wanted.interface,
                  .subnets = wanted.subnets,
                  .routes = wanted.routes,
                  .has_ipv6 = wanted.wants_ipv6,
                  .is_internal = wanted.is_internal,
                  .has_dns = wanted.has_dns,
                  .dns_servers = wanted.dns_servers,
                  .labels = wanted.labels,
                  .options = wanted.options};
  if (!network.interface) network.interface = bridge_like(network.name, in_use);
  const netstack::CreateSurroundings surroundings{
      .now = birth.created,
      .random = birth.random,
      .is_link = [&](const LinkName& name) { return is_link_in_use(in_use, name.str()); },
      .plugin = {}};
  return netstack::plan_create(request_of(std::move(network), in_use, pools), surroundings);
}

}  // namespace burrow::engine
