#include "netstack/observe_links.h"

#include "host/sysctl.h"
#include "netstack/driver_options.h"
#include "netstack/plan_bridge.h"

namespace burrow::netstack {
namespace {

// So many ports tell whether one is left besides the container's own on that bridge.
constexpr size_t kEnoughPorts = 8;

// Forwarding is asked of rtnetlink, which costs less than a walk through /proc/sys/net. That of
// IPv6 is left alone: the kernel looks at the host's switch only (ip6_forward in
// net/ipv6/ip6_output.c), and a link on which it is on hears no router any more.
Result<std::vector<Setting>> observe_settings(const LinkName& bridge, uint32_t index,
                                              BridgeSettings wanted, host::RouteSocket& route) {
  std::vector<Setting> settings;
  if (wanted == BridgeSettings::unread) return settings;
  if (wanted != BridgeSettings::route_localnet) {
    if (const auto forwards = TRY(route.forwards(Family::ipv4, index))) {
      settings.push_back({forwarding_key(bridge), *forwards ? "1" : "0"});
    }
  }
  if (wanted == BridgeSettings::forwarding) return settings;
  auto key = route_localnet_key(bridge);
  if (auto value = host::read_sysctl(key)) settings.push_back({std::move(key), *std::move(value)});
  return settings;
}

}  // namespace

Result<std::optional<BridgeSnapshot>> observe_bridge(const LinkName& name, Ports ports,
                                                     host::RouteSocket& route,
                                                     BridgeSettings settings) {
  const auto link = TRY(route.find_link(name));
  if (!link) return std::nullopt;
  auto addresses = TRY(route.addresses_of(link->index));
  auto found = TRY(observe_settings(name, link->index, settings, route));
  BridgeSnapshot bridge{.is_bridge = link->kind == "bridge",
                        .kind = link->kind,
                        .mac = link->mac,
                        .mtu = link->mtu,
                        .is_up = link->is_up,
                        .addresses = std::move(addresses),
                        .default_vlan = link->default_vlan,
                        .bridged_packets = link->bridged_packets,
                        .settings = std::move(found)};
  if (link->master) bridge.master = TRY(route.get_link(*link->master)).name;
  if (ports == Ports::read) {
    for (const auto& port : TRY(host::RouteSocket::some_links_of(link->index, kEnoughPorts))) {
      bridge.ports.insert(port.name);
    }
  }
  return bridge;
}

std::optional<BridgeNetfilter> observe_bridge_netfilter() {
  const auto ipv4 = host::read_sysctl("net/bridge/bridge-nf-call-iptables");
  const auto ipv6 = host::read_sysctl("net/bridge/bridge-nf-call-ip6tables");
  if (!ipv4 || !ipv6) return std::nullopt;
  return BridgeNetfilter{.all_ipv4 = *ipv4 != "0", .all_ipv6 = *ipv6 != "0"};
}

Result<std::optional<VrfSnapshot>> observe_vrf(const Network& network, host::RouteSocket& route) {
  const auto* word = find_word(network.options, "vrf");
  if (word == nullptr) return std::nullopt;
  const auto name = LinkName::parse(*word);
  if (!name) return std::nullopt;  // the planner says what is wrong with it
  const auto link = TRY(route.find_link(*name));
  if (!link) return std::nullopt;
  VrfSnapshot vrf{.kind = link->kind};
  if (const auto way_out = TRY(route.default_route_link(link->index))) {
    vrf.default_route_mtu = TRY(route.get_link(*way_out)).mtu;
  }
  return vrf;
}

Result<std::optional<ParentSnapshot>> observe_parent(const Network& network,
                                                     host::RouteSocket& route) {
  std::optional<host::Link> link;
  if (network.interface) {
    link = TRY(route.find_link(*network.interface));
  } else if (const auto index = TRY(route.default_route_link())) {
    link = TRY(route.get_link(*index));
  }
  if (!link) return std::nullopt;
  return ParentSnapshot{.name = TRY(LinkName::parse(link->name)),
                        .mac = link->mac,
                        .mtu = link->mtu,
                        .is_up = link->is_up,
                        .is_loopback = link->is_loopback};
}

Result<ContainerSnapshot> observe_container(const std::vector<LinkName>& wanted,
                                            ContainerHandle& container) {
  ContainerSnapshot snapshot;
  for (const auto& name : wanted) {
    if (TRY(container.route.find_link(name))) snapshot.taken_links.insert(name);
  }
  const auto loopback = TRY(container.route.find_link(*LinkName::parse("lo")));
  snapshot.is_loopback_up = !loopback || loopback->is_up;
  snapshot.has_ipv6 = TRY(container.route.forwards(Family::ipv6)).has_value();
  snapshot.default_metrics4 = TRY(container.route.default_route_metrics(Family::ipv4));
  if (snapshot.has_ipv6) {
    snapshot.default_metrics6 = TRY(container.route.default_route_metrics(Family::ipv6));
  }
  return snapshot;
}

Result<std::optional<ForwardingSnapshot>> observe_forwarding(Family family,
                                                             host::RouteSocket& route,
                                                             const Journal& journal) {
  const auto is_on = TRY(route.forwards(family));
  if (!is_on) return std::nullopt;
  ForwardingSnapshot snapshot{.is_on = *is_on};
  if (snapshot.is_on) return snapshot;
  const std::string_view directory = family == Family::ipv4 ? "ipv4" : "ipv6";
  const auto remember = [&](std::string setting, std::string_view usual) {
    if (auto there = host::read_sysctl(setting); there && *there != usual) {
      snapshot.along.push_back({std::move(setting), *std::move(there)});
    }
  };
  if (family == Family::ipv4) remember("net/ipv4/conf/all/accept_redirects", "1");
  const auto links = fmt::format("/proc/sys/net/{}/conf", directory);
  for (const auto& link : TRY(host::list_directory(links))) {
    if (link != "all") remember(fmt::format("net/{}/conf/{}/forwarding", directory, link), "0");
  }
  if (family == Family::ipv6) return snapshot;  // where no link has a say in it
  for (const auto& record : TRY(journal.all_networks())) {
    auto key = forwarding_key(record.bridge);
    if (record.setting(key) == "0") snapshot.stay_off.push_back(std::move(key));
  }
  return snapshot;
}

}  // namespace burrow::netstack
