#include <algorithm>

#include "netstack/lan_options.h"
#include "netstack/plan.h"
#include "netstack/plan_bridge.h"
#include "netstack/plan_lease.h"
#include "netstack/plan_limits.h"

namespace burrow::netstack {
namespace {

bool contains(const std::vector<NetworkName>& names, const NetworkName& name) {
  return std::ranges::find(names, name) != names.end();
}

void append(Steps& to, const Steps& steps) { to.insert(to.end(), steps.begin(), steps.end()); }

RecordChange removal(std::string path, std::string before) {
  return {std::move(path), std::move(before), std::nullopt};
}

// The growing plan of one teardown: what was done, gathered in order, to be inverted at once.
class Planner {
 public:
  Planner(const std::vector<NetworkName>& networks, const Snapshot& snapshot)
      : networks_(networks), snapshot_(snapshot) {}

  Plan plan() {
    for (const auto& record : snapshot_.attachments) {
      (contains(networks_, record.network) ? leaving_ : staying_).push_back(record);
    }
    Steps done;
    Steps networks_done = end_networks();
    append(done, end_host());
    append(done, networks_done);
    for (const auto& record : leaving_) {
      append(done, record.steps);
      plan_.changes.push_back(
          removal(attachment_record_path(record.container, record.network), encode(record)));
    }
    plan_.steps = invert(done);
    plan_.errands = take_errands(plan_.steps);
    hand_over_ports();
    return std::move(plan_);
  }

 private:
  // A network ends when no port of its bridge is left but one that leaves now; one on a bridge of
  // somebody else when no other attachment of ours is.
  [[nodiscard]] bool is_ending(const NetworkSnapshot& network) const {
    if (!network.record->owns_bridge()) return !network.has_other_attachments;
    if (!network.bridge) return true;
    return std::ranges::all_of(network.bridge->ports, [&](const std::string& port) {
      return std::ranges::any_of(leaving_, [&](const AttachmentRecord& record) {
        const auto own = record.host_link();
        return own && own->name.str() == port;
      });
    });
  }

  // Whether networks that stay rely on the bridge to filter VLANs.
  [[nodiscard]] bool is_filtering_for_others(const NetworkSnapshot& network) const {
    return std::ranges::any_of(network.filtering_for, [&](const NetworkName& name) {
      return !contains(networks_, name) || !is_ending(snapshot_.networks.at(name));
    });
  }

  // Whether no network of this run directory stays.
  [[nodiscard]] bool ends_all_networks() const {
    if (snapshot_.has_other_networks) return false;
    return std::ranges::all_of(snapshot_.networks, [&](const auto& entry) {
      const auto& record = entry.second.record;
      return !record || std::ranges::find(ended_bridges_, record->bridge) != ended_bridges_.end();
    });
  }

  Steps end_networks() {
    Steps done;
    for (const auto& name : networks_) {
      const auto& network = snapshot_.networks.at(name);
      if (!network.record || !is_ending(network)) continue;
      for (const auto& step : network.record->steps) {
        const bool is_needed =
            std::holds_alternative<SetVlanFiltering>(step) && is_filtering_for_others(network);
        const bool is_moot = std::holds_alternative<JoinZone>(step) && !snapshot_.firewalld;
        if (!is_needed && !is_moot) done.push_back(step);
      }
      ended_bridges_.push_back(network.record->bridge);
      plan_.changes.push_back(removal(network_record_path(name), encode(*network.record)));
    }
    return done;
  }

  // Our table goes with the last network of all run directories; with the last of this one goes its
  // claim to the table. Forwarding is switched off again where we had switched it
  // on, unless somebody else may live by it by now.
  Steps end_host() {
    if (!snapshot_.host || ended_bridges_.empty() || !ends_all_networks()) return {};
    const bool is_last = std::ranges::all_of(snapshot_.firewall_bridges, [&](const LinkName& name) {
      return std::ranges::find(ended_bridges_, name) != ended_bridges_.end();
    });
    Steps done;
    for (const auto& step : snapshot_.host->steps) {
      const bool is_setting = std::holds_alternative<SetSysctl>(step);
      if (is_setting ? !snapshot_.may_others_forward : is_last) done.push_back(step);
    }
    plan_.changes.push_back(removal(host_record_path(), encode(*snapshot_.host)));
    return done;
  }

  // Published ports that led to an attachment that leaves go on to the container's next one.
  void hand_over_ports() {
    ChangeFirewall change;
    ChangeFirewalld by_firewalld;
    std::vector<IpAddress> targets;
    bool carried = false;
    // By the driver that led them before.
    const bool is_firewalld = std::ranges::any_of(leaving_, [](const AttachmentRecord& record) {
      return !firewalld_elements_of(record.steps).empty();
    });
    for (const auto family : {Family::ipv4, Family::ipv6}) {
      const bool was_carried = std::ranges::any_of(
          leaving_, [&](const AttachmentRecord& record) { return record.carries(family); });
      if (!was_carried) continue;
      carried = true;
      const auto address_of = [&](const AttachmentRecord& record) {
        return family == Family::ipv4 ? record.address4 : record.address6;
      };
      for (auto& record : staying_) {
        if (!address_of(record) || record.ports.empty()) continue;
        auto publication = record.publication();
        (family == Family::ipv4 ? publication.address6 : publication.address4).reset();
        if (auto elements = firewall::compile(publication)) {
          const auto before = encode(record);
          if (is_firewalld) {
            record.steps.emplace_back(ChangeFirewalld{.add = *elements});
          } else {
            record.steps.emplace_back(ChangeFirewall{.add = *elements});
          }
          plan_.changes.push_back(
              {attachment_record_path(record.container, record.network), before, encode(record)});
          auto& all = is_firewalld ? by_firewalld.add : change.add;
          all.insert(all.end(), elements->begin(), elements->end());
          targets.push_back(*address_of(record));
        }
        break;
      }
    }
    // A table that is missing gets the ports back from the record, with all else, when it is
    // renewed.
    if (!change.add.empty() && firewall::keeps_elements(snapshot_.table)) {
      join_firewall_change(std::move(change));
    }
    if (!by_firewalld.add.empty()) join_firewalld_change(std::move(by_firewalld));
    if (carried) forget_flows(std::move(targets));
  }

  void join_firewalld_change(ChangeFirewalld change) {
    for (auto& step : plan_.steps) {
      if (auto* existing = std::get_if<ChangeFirewalld>(&step)) {
        existing->add.insert(existing->add.end(), change.add.begin(), change.add.end());
        return;
      }
    }
    plan_.steps.insert(plan_.steps.begin(), std::move(change));
  }

  void join_firewall_change(ChangeFirewall change) {
    for (auto& step : plan_.steps) {
      if (auto* existing = std::get_if<ChangeFirewall>(&step)) {
        existing->add.insert(existing->add.end(), change.add.begin(), change.add.end());
        return;
      }
    }
    plan_.steps.insert(plan_.steps.begin(), std::move(change));
  }

  void forget_flows(std::vector<IpAddress> targets) {
    std::vector<PortMapping> ports;
    for (const auto& record : leaving_) {
      for (const auto& port : record.ports) {
        if (port.protocol == Protocol::udp && std::ranges::find(ports, port) == ports.end()) {
          ports.push_back(port);
        }
      }
    }
    if (!ports.empty()) plan_.steps.emplace_back(ForgetFlows{std::move(ports), std::move(targets)});
  }

  const std::vector<NetworkName>& networks_;
  const Snapshot& snapshot_;
  Plan plan_;
  std::vector<AttachmentRecord> leaving_;
  std::vector<AttachmentRecord> staying_;
  std::vector<LinkName> ended_bridges_;
};

bool has_record(const Snapshot& snapshot, const NetworkName& name) {
  return std::ranges::find(snapshot.attachments, name, &AttachmentRecord::network) !=
         snapshot.attachments.end();
}

// The firewall elements of one attachment that has no record: limits and published ports, or
// nothing for what does not decode. Only elements that say that they are this container's are
// removed by them.
std::vector<firewall::Element> elements_without_record(const SetupRequest& request,
                                                       const AttachmentRequest& asked) {
  if (is_lan_driver(asked.network.driver)) return {};
  const auto attachment = decode_bridge_attachment(asked);
  if (!attachment) return {};
  auto elements = limit_elements(request.container, request.container_name, *attachment);
  auto ports = firewall::compile(
      firewall::Publication{.container = request.container,
                            .container_name = request.container_name,
                            .network = asked.network.name,
                            .ports = request.ports,
                            .address4 = attachment->addressing.first_address(Family::ipv4),
                            .address6 = attachment->addressing.first_address(Family::ipv6),
                            // What was not asked for is not there, and not missed.
                            .publishing = firewall::Publishing::host_firewall});
  if (ports) std::ranges::move(*ports, std::back_inserter(elements));
  return elements;
}

// A plugin's attachment is for the plugin to end.
void add_foreign_plugin(const SetupRequest& request, const AttachmentRequest& asked,
                        const Settings& settings, Steps& steps) {
  const auto program = settings.plugins.find(asked.network.driver);
  if (program == settings.plugins.end()) return;
  steps.emplace_back(TearDownPlugin{{.program = program->second,
                                     .network = asked.network.name,
                                     .netns = settings.netns,
                                     .input = plugin_input(request, asked)}});
}

}  // namespace

Plan plan_teardown(const std::vector<NetworkName>& networks, const Snapshot& snapshot) {
  return Planner{networks, snapshot}.plan();
}

Plan plan_foreign_teardown(const SetupRequest& request, const Snapshot& snapshot,
                           const Settings& settings) {
  Plan plan;
  ChangeFirewall firewall;
  bool changes_dns = false;
  for (const auto& asked : request.attachments) {
    const auto& name = asked.network.name;
    if (has_record(snapshot, name)) continue;
    const bool has_dns_entry = snapshot.networks.at(name).has_dns_entry;
    const bool has_link =
        snapshot.container && snapshot.container->taken_links.contains(asked.interface);
    if (!has_dns_entry && !has_link) continue;
    if (!is_builtin_driver(asked.network.driver)) {
      add_foreign_plugin(request, asked, settings, plan.steps);
      continue;
    }
    if (has_dns_entry) {
      plan.steps.emplace_back(RemoveDnsEntry{dns_file_of(asked.network), request.container});
      changes_dns = true;
    }
    if (firewall::keeps_elements(snapshot.table)) {
      auto elements = elements_without_record(request, asked);
      std::ranges::move(elements, std::back_inserter(firewall.remove));
    }
    if (!has_link) continue;
    if (!leased_families(asked.network).empty()) {
      plan.steps.emplace_back(ReleaseLease{{request.container, asked.interface}});
    }
    for (const auto& route : asked.network.routes) {
      if (route.type == RouteType::unicast) continue;  // goes with its link
      plan.steps.emplace_back(RemoveRoute{{.destination = route.destination,
                                           .metric = route.metric.value_or(100),
                                           .kind = kind_of(route.type)}});
    }
    plan.steps.emplace_back(DeleteContainerLink{asked.interface});
  }
  if (!firewall.remove.empty()) plan.steps.emplace_back(std::move(firewall));
  if (changes_dns) plan.steps.emplace_back(NotifyDns{});
  plan.errands = take_errands(plan.steps);
  return plan;
}

Plan plan_unused_networks(const SetupRequest& request, const Snapshot& snapshot) {
  Plan plan;
  DeleteLinks links;
  ChangeFirewall firewall;
  std::vector<LinkName> bridges = snapshot.firewall_bridges;
  for (const auto& asked : request.attachments) {
    const auto& there = snapshot.networks.at(asked.network.name);
    if (asked.network.driver != "bridge" || there.record || !there.bridge ||
        !there.bridge->is_bridge || !asked.network.interface) {
      continue;
    }
    // A bridge of somebody else stays, and so does one of which we do not know whose it is.
    const auto mode = bridge_mode(asked.network.options);
    if (!mode || *mode == BridgeMode::unmanaged) continue;
    if (!there.bridge->ports.empty()) continue;
    links.links.push_back({*asked.network.interface, there.bridge->mac});
    std::erase(bridges, *asked.network.interface);
    if (const auto attachment = decode_bridge_attachment(asked)) {
      auto elements = firewall::compile(policy_of(*attachment, asked.network.has_dns, 53));
      std::ranges::move(elements, std::back_inserter(firewall.remove));
    }
  }
  if (firewall::keeps_elements(snapshot.table) && !firewall.remove.empty()) {
    if (bridges.empty()) firewall.table = TableChange::remove;
    plan.steps.emplace_back(std::move(firewall));
  }
  if (!links.links.empty()) plan.steps.emplace_back(std::move(links));
  return plan;
}

}  // namespace burrow::netstack
