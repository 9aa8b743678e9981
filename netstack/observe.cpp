#include "netstack/observe.h"

#include <algorithm>

#include "core/log.h"
#include "firewall/neighbours.h"
#include "host/port_probe.h"
#include "host/sysctl.h"
#include "netstack/driver_options.h"
#include "netstack/firewalld_driver.h"
#include "netstack/lan_options.h"
#include "netstack/limit_words.h"
#include "netstack/observe_links.h"
#include "netstack/plan.h"
#include "netstack/plan_bridge.h"
#include "netstack/plan_zones.h"
#include "netstack/sysctl_file.h"
#include "netstack/zones.h"

namespace burrow::netstack {
namespace {

bool is_unmanaged(const Network& network) {
  return bridge_mode(network.options).value_or(BridgeMode::managed) == BridgeMode::unmanaged;
}

bool is_managed_bridge(const Network& network) {
  return network.driver == "bridge" && network.interface && !is_unmanaged(network);
}

// Which settings of a network's bridge to look at. One of our making has been given all of them:
// only what the record says otherwise counts, and whether an internal one still does not forward,
// which the host's switch may have changed. One that is about to be switched on (`forwarding`) is
// all that a bridge needs, and whether it goes off again is not for the network to say.
BridgeSettings settings_in_question(const Network& network,
                                    const std::optional<NetworkRecord>& record,
                                    const std::optional<ForwardingSnapshot>& forwarding) {
  if (is_unmanaged(network)) return BridgeSettings::unread;
  if (network.is_internal) return BridgeSettings::forwarding;
  if (record && record->owns_bridge() &&
      record->setting(forwarding_key(record->bridge)).value_or("1") == "1") {
    return BridgeSettings::unread;
  }
  return forwarding && !forwarding->is_on ? BridgeSettings::route_localnet : BridgeSettings::all;
}

std::vector<LinkName> interfaces_of(const SetupRequest& request) {
  std::vector<LinkName> names;
  for (const auto& attachment : request.attachments) names.push_back(attachment.interface);
  return names;
}

bool has_subnet(const Network& network, Family family) {
  return std::ranges::any_of(
      network.subnets, [&](const Subnet& subnet) { return subnet.network.family() == family; });
}

bool wants_forwarding(const SetupRequest& request, Family family) {
  return std::ranges::any_of(request.attachments, [&](const AttachmentRequest& asked) {
    return !is_unmanaged(asked.network) && !asked.network.is_internal &&
           !is_lan_driver(asked.network.driver) && has_subnet(asked.network, family);
  });
}

Result<std::vector<NetworkName>> networks_with_filtering(const LinkName& bridge,
                                                         const Journal& journal) {
  std::vector<NetworkName> names;
  for (const auto& record : TRY(journal.all_networks())) {
    if (record.bridge == bridge && record.filters_vlans()) names.push_back(record.network);
  }
  return names;
}

bool has_ipv6_subnets(const SetupRequest& request) {
  return std::ranges::any_of(request.attachments, [](const AttachmentRequest& asked) {
    return has_subnet(asked.network, Family::ipv6);
  });
}

// Whether links that are made in the calling thread's namespace have no IPv6.
bool disables_ipv6() {
  return host::read_sysctl("net/ipv6/conf/default/disable_ipv6").value_or("1") != "0";
}

bool has_limits(const SetupRequest& request) {
  const auto names_one = [](const Strings& options) {
    return std::ranges::any_of(kLimitWords, [&](const LimitWord& limit) {
      return options.contains(std::string{limit.key});
    });
  };
  return std::ranges::any_of(request.attachments, [&](const AttachmentRequest& asked) {
    return names_one(asked.options) || names_one(asked.network.options);
  });
}

// A container option names the host's end, or the first free one of our own names is taken.
Result<void> observe_host_link(const SetupRequest& request, const AttachmentRequest& asked,
                               host::RouteSocket& route, NetworkSnapshot& network) {
  const auto option = asked.options.find("host_interface_name");
  if (option != asked.options.end() && !option->second.empty()) {
    const auto name = LinkName::parse(option->second);
    if (!name) return {};  // the planner says what is wrong with it
    (TRY(route.find_link(*name)) ? network.taken_host_link : network.free_host_link) = *name;
    return {};
  }
  for (const auto& name : host_link_names(request.container, asked.network.name)) {
    if (TRY(route.find_link(name))) continue;
    network.free_host_link = name;
    return {};
  }
  return {};
}

// What cannot be read is the planner's to name.
Result<std::vector<IpAddress>> absent_outbound(const Network& network) {
  std::vector<IpAddress> absent;
  for (const auto* key : {"outbound_addr4", "outbound_addr6"}) {
    const auto* word = find_word(network.options, key);
    if (word == nullptr) continue;
    const auto address = IpAddress::parse(*word);
    if (address && !TRY(host::has_address(*address))) absent.push_back(*address);
  }
  return absent;
}

Result<std::vector<firewall::Element>> recorded_elements(const Journal& journal) {
  std::vector<firewall::Element> elements;
  const auto add = [&](const Steps& steps) {
    auto own = elements_of(steps);
    std::ranges::move(own, std::back_inserter(elements));
  };
  for (const auto& record : TRY(journal.all_networks())) add(record.steps);
  for (const auto& record : TRY(journal.all_attachments())) add(record.steps);
  return elements;
}

bool uses_table(const SetupRequest& request) {
  return std::ranges::any_of(request.attachments, [](const AttachmentRequest& asked) {
    return is_managed_bridge(asked.network);
  });
}

Result<void> observe_table(Handles& handles, const Journal& journal, Snapshot& snapshot) {
  if (!handles.nftables) return {};
  snapshot.table = TRY(handles.nftables->observe());
  if (!firewall::keeps_elements(snapshot.table)) {
    snapshot.recorded_elements = TRY(recorded_elements(journal));
  }
  return {};
}

Result<void> observe_bridges_in_table(Handles& handles, Snapshot& snapshot) {
  if (!handles.nftables) return {};
  snapshot.table = TRY(handles.nftables->observe());
  if (snapshot.table != firewall::TableState::missing) {
    snapshot.firewall_bridges = TRY(handles.nftables->bridges());
  }
  return {};
}

// Which of the network's recorded elements stand: what somebody took out is to come back.
Result<std::vector<firewall::Element>> standing_elements(const NetworkSnapshot& network,
                                                         const Snapshot& snapshot,
                                                         Handles& handles) {
  if (!network.record || !handles.nftables || !firewall::keeps_elements(snapshot.table)) {
    return std::vector<firewall::Element>{};
  }
  return handles.nftables->standing(elements_of(network.record->steps));
}

// Which zones of firewalld the managed bridges are in, where there are any.
void observe_zones(const SetupRequest& request, Handles& handles, Snapshot& snapshot) {
  if (!handles.uses_zones) return;
  for (const auto& asked : request.attachments) {
    if (!is_managed_bridge(asked.network)) continue;
    if (!snapshot.firewalld) {
      snapshot.firewalld =
          observe_firewalld(handles.firewalld, request.ports.empty() ? PortsInFirewalld::unread
                                                                     : PortsInFirewalld::read);
    }
    if (!snapshot.firewalld) return;
    auto zone = observe_zone(*asked.network.interface, handles.firewalld);
    if (!zone) {
      // A bridge of which nobody knows where it is must not be moved.
      snapshot.firewalld.reset();
      return;
    }
    snapshot.networks.at(asked.network.name).zone = *std::move(zone);
  }
}

// Bridges and tunnels of others may live by forwarding, and so may two veths: one alone is rather
// the uplink of a host that is a container itself. Loopback and hardware do not count.
Result<bool> may_others_forward(host::RouteSocket& route, const Snapshot& snapshot) {
  std::set<std::string> own;
  for (const auto& [name, network] : snapshot.networks) {
    if (network.record) own.insert(network.record->bridge.str());
    if (network.bridge) own.insert(network.bridge->ports.begin(), network.bridge->ports.end());
  }
  auto links = route.links();
  // They come and go faster than they can be listed: others are at work here.
  if (!links && links.error().code == Errc::changed) return true;
  int veths = 0;
  for (const auto& link : TRY(std::move(links))) {
    if (link.kind.empty() || own.contains(link.name)) continue;
    if (link.kind != "veth" || ++veths > 1) return true;
  }
  return false;
}

// Whether limits of the container are to have packets within a network meet the firewall, which
// they do not yet: chains of others are among what they meet then. A network's lists are about its
// border.
bool begins_to_filter_bridged(const SetupRequest& request, const Snapshot& snapshot) {
  if (!snapshot.bridge_netfilter) return false;
  const auto is_each_containers = [](const LimitWord& limit) {
    using enum firewall::LimitKind;
    return limit.kind == connection_rate || limit.kind == connections || limit.kind == packet_rate;
  };
  return std::ranges::any_of(request.attachments, [&](const AttachmentRequest& asked) {
    const auto& bridge = snapshot.networks.at(asked.network.name).bridge;
    if (bridge && bridge->bridged_packets == host::BridgedPackets::through_firewall) return false;
    return std::ranges::any_of(kLimitWords, [&](const LimitWord& limit) {
      const std::string key{limit.key};
      return asked.options.contains(key) ||
             (is_each_containers(limit) && asked.network.options.contains(key));
    });
  });
}

// No container waits for what others have.
void observe_neighbours(Snapshot& snapshot) {
  auto there = firewall::look_at_neighbours();
  if (there) {
    snapshot.neighbours = *std::move(there);
  } else {
    log::error("firewall", "chains of other firewalls cannot be read: {}", there.error().message);
  }
}

}  // namespace

Result<Snapshot> observe_for_setup(const SetupRequest& request, Handles& handles,
                                   const Journal& journal, const DnsDaemon& dns) {
  Snapshot snapshot;
  // Without our table all records are read, to bring it back: not for networks that do without.
  if (uses_table(request)) TRY_VOID(observe_table(handles, journal, snapshot));
  snapshot.host = TRY(journal.host());
  snapshot.attachments = TRY(journal.attachments(request.container));
  if (wants_forwarding(request, Family::ipv4)) {
    snapshot.forwarding4 = TRY(observe_forwarding(Family::ipv4, handles.route, journal));
  }
  if (wants_forwarding(request, Family::ipv6)) {
    snapshot.forwarding6 = TRY(observe_forwarding(Family::ipv6, handles.route, journal));
  }
  snapshot.has_systemd = has_systemd();
  if (has_ipv6_subnets(request)) snapshot.disables_ipv6 = disables_ipv6();
  snapshot.has_dns_daemon = dns.is_installed();
  // Only where it matters: what is read under /proc/sys/net costs more the more namespaces there
  // are.
  if (has_ipv6_subnets(request) || has_limits(request)) {
    snapshot.bridge_netfilter = observe_bridge_netfilter();
  }
  bool needs_mtu = false;
  for (const auto& asked : request.attachments) {
    if (is_lan_driver(asked.network.driver)) {
      snapshot.networks.emplace(
          asked.network.name,
          NetworkSnapshot{.parent = TRY(observe_parent(asked.network, handles.route))});
      continue;
    }
    NetworkSnapshot network{.record = TRY(journal.network(asked.network.name))};
    if (asked.network.interface) {
      network.bridge = TRY(observe_bridge(
          *asked.network.interface, Ports::unread, handles.route,
          settings_in_question(asked.network, network.record, snapshot.forwarding4)));
    }
    network.vrf = TRY(observe_vrf(asked.network, handles.route));
    network.absent_outbound = TRY(absent_outbound(asked.network));
    if (is_unmanaged(asked.network) && network.bridge && network.bridge->default_vlan) {
      network.filtering_for = TRY(networks_with_filtering(*asked.network.interface, journal));
    }
    network.in_firewall = TRY(standing_elements(network, snapshot, handles));
    TRY_VOID(observe_host_link(request, asked, handles.route, network));
    if (asked.network.has_dns && snapshot.has_dns_daemon) {
      network.dns_header = dns.header(dns_file_of(asked.network));
    }
    needs_mtu |= !network.bridge;
    snapshot.networks.emplace(asked.network.name, std::move(network));
  }
  observe_zones(request, handles, snapshot);
  if (uses_table(request) &&
      (handles.opens_neighbours || begins_to_filter_bridged(request, snapshot))) {
    observe_neighbours(snapshot);
  }
  if (handles.keeps_firewalld && uses_table(request)) {
    snapshot.firewalld_driver = TRY(observe_firewalld_driver(request, handles.firewalld, journal));
  }
  if (needs_mtu) {
    if (const auto link = TRY(handles.route.default_route_link())) {
      snapshot.default_route_mtu = TRY(handles.route.get_link(*link)).mtu;
    }
  }
  if (handles.container) {
    snapshot.container = TRY(observe_container(interfaces_of(request), *handles.container));
    if (has_ipv6_subnets(request)) {
      snapshot.container->disables_ipv6 = handles.container->thread.run(disables_ipv6);
    }
  }
  return snapshot;
}

Result<Snapshot> observe_for_teardown(const ContainerId& container,
                                      const std::vector<NetworkName>& networks, Handles& handles,
                                      const Journal& journal) {
  Snapshot snapshot;
  TRY_VOID(observe_bridges_in_table(handles, snapshot));
  snapshot.host = TRY(journal.host());
  snapshot.attachments = TRY(journal.attachments(container));
  bool may_end = false;
  for (const auto& name : networks) {
    NetworkSnapshot network{.record = TRY(journal.network(name))};
    if (network.record) {
      network.bridge = TRY(observe_bridge(network.record->bridge, Ports::read, handles.route));
      may_end |= !network.bridge || network.bridge->ports.size() <= 1;
      if (network.record->filters_vlans()) {
        network.filtering_for = TRY(networks_with_filtering(network.record->bridge, journal));
      }
      if (!network.record->owns_bridge()) {
        network.has_other_attachments = std::ranges::any_of(
            TRY(journal.all_attachments()), [&](const AttachmentRecord& record) {
              return record.network == name && record.container != container;
            });
        may_end |= !network.has_other_attachments;
      }
    }
    snapshot.networks.emplace(name, std::move(network));
  }
  const bool has_zone = std::ranges::any_of(snapshot.networks, [](const auto& entry) {
    return entry.second.record && recorded_zone(entry.second.record->steps);
  });
  if (may_end && has_zone) {
    snapshot.firewalld = observe_firewalld(handles.firewalld, PortsInFirewalld::unread);
  }
  if (may_end && snapshot.host) {
    snapshot.has_other_networks =
        std::ranges::any_of(TRY(journal.all_networks()), [&](const NetworkRecord& record) {
          return std::ranges::find(networks, record.network) == networks.end();
        });
    snapshot.may_others_forward = TRY(may_others_forward(handles.route, snapshot));
  }
  return snapshot;
}

Result<Snapshot> observe_for_foreign_teardown(const SetupRequest& request, Handles& handles,
                                              const Journal& journal, const DnsDaemon& dns) {
  Snapshot snapshot;
  TRY_VOID(observe_bridges_in_table(handles, snapshot));
  snapshot.attachments = TRY(journal.attachments(request.container));
  for (const auto& asked : request.attachments) {
    NetworkSnapshot network{.record = TRY(journal.network(asked.network.name))};
    if (asked.network.interface && !is_lan_driver(asked.network.driver)) {
      network.bridge = TRY(observe_bridge(*asked.network.interface, Ports::read, handles.route));
    }
    network.has_dns_entry = dns.has_entry(dns_file_of(asked.network), request.container);
    snapshot.networks.emplace(asked.network.name, std::move(network));
  }
  if (handles.container) {
    snapshot.container = TRY(observe_container(interfaces_of(request), *handles.container));
  }
  return snapshot;
}

}  // namespace burrow::netstack
