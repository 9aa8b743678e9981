#include <algorithm>

#include "netstack/plan.h"
#include "netstack/plan_bridge.h"

namespace burrow::netstack {
namespace {

bool contains(const std::vector<NetworkName>& names, const NetworkName& name) {
  return std::ranges::find(names, name) != names.end();
}

void append(Steps& to, const Steps& steps) { to.insert(to.end(), steps.begin(), steps.end()); }

RecordChange removal(std::string path, std::string before) {
  return {std::move(path), std::move(before), std::nullopt};
}

std::string dns_file_of(const Network& network) {
  return network.name.str() + (network.is_internal ? "%int" : "");
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
    if (leaving_.empty()) return {};
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
    hand_over_ports();
    return std::move(plan_);
  }

 private:
  // A network ends when no port of its bridge is left but those that leave now; one on a bridge
  // of somebody else when no other attachment of ours is.
  [[nodiscard]] bool is_ending(const AttachmentRecord& record) const {
    const auto& network = snapshot_.networks.at(record.network);
    if (!network.record) return false;
    if (!network.record->owns_bridge()) return !network.has_other_attachments;
    if (!network.bridge) return true;
    const auto own = record.host_link();
    return std::ranges::all_of(network.bridge->ports, [&](const std::string& port) {
      return own && own->name.str() == port;
    });
  }

  Steps end_networks() {
    Steps done;
    for (const auto& record : leaving_) {
      if (!is_ending(record)) continue;
      const auto& network = *snapshot_.networks.at(record.network).record;
      append(done, network.steps);
      ended_bridges_.push_back(network.bridge);
      plan_.changes.push_back(removal(network_record_path(network.network), encode(network)));
    }
    return done;
  }

  // Our table goes with the last network; forwarding is switched off again where we had switched it
  // on, unless a virtual link of somebody else may live by it by now.
  Steps end_host() {
    if (snapshot_.table == firewall::TableState::missing && !snapshot_.host) return {};
    const bool is_last = !ended_bridges_.empty() &&
                         std::ranges::all_of(snapshot_.firewall_bridges, [&](const LinkName& name) {
                           return std::ranges::find(ended_bridges_, name) != ended_bridges_.end();
                         });
    if (!is_last || !snapshot_.host) return {};
    Steps done;
    for (const auto& step : snapshot_.host->steps) {
      const bool is_setting = std::holds_alternative<SetSysctl>(step);
      if (!is_setting || !snapshot_.has_foreign_virtual_links) done.push_back(step);
    }
    plan_.changes.push_back(removal(host_record_path(), encode(*snapshot_.host)));
    return done;
  }

  // Published ports that led to an attachment that leaves go on to the container's next one.
  void hand_over_ports() {
    ChangeFirewall change;
    std::vector<IpAddress> targets;
    bool carried = false;
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
          record.steps.emplace_back(ChangeFirewall{.add = *elements});
          plan_.changes.push_back(
              {attachment_record_path(record.container, record.network), before, encode(record)});
          change.add.insert(change.add.end(), elements->begin(), elements->end());
          targets.push_back(*address_of(record));
        }
        break;
      }
    }
    if (!change.add.empty()) join_firewall_change(std::move(change));
    if (carried) forget_flows(std::move(targets));
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

}  // namespace

Plan plan_teardown(const std::vector<NetworkName>& networks, const Snapshot& snapshot) {
  return Planner{networks, snapshot}.plan();
}

Plan plan_foreign_teardown(const SetupRequest& request, const Snapshot& snapshot) {
  Plan plan;
  bool changes_dns = false;
  for (const auto& asked : request.attachments) {
    const auto& name = asked.network.name;
    if (has_record(snapshot, name)) continue;
    if (snapshot.networks.at(name).has_dns_entry) {
      plan.steps.emplace_back(RemoveDnsEntry{dns_file_of(asked.network), request.container});
      changes_dns = true;
    }
    const bool has_link =
        snapshot.container && snapshot.container->taken_links.contains(asked.interface);
    if (!has_link) continue;
    for (const auto& route : asked.network.routes) {
      if (route.type == RouteType::unicast) continue;  // goes with its link
      host::Route inside{.destination = route.destination, .metric = route.metric.value_or(100)};
      inside.kind = route.type == RouteType::blackhole     ? host::RouteKind::blackhole
                    : route.type == RouteType::unreachable ? host::RouteKind::unreachable
                                                           : host::RouteKind::prohibit;
      plan.steps.emplace_back(RemoveRoute{inside});
    }
    plan.steps.emplace_back(DeleteContainerLink{asked.interface});
  }
  if (changes_dns) plan.steps.emplace_back(NotifyDns{});
  return plan;
}

Plan plan_unused_networks(const SetupRequest& request, const Snapshot& snapshot) {
  Plan plan;
  DeleteLinks links;
  for (const auto& asked : request.attachments) {
    const auto& there = snapshot.networks.at(asked.network.name);
    if (there.record || !there.bridge || !there.bridge->is_bridge || !asked.network.interface) {
      continue;
    }
    if (there.bridge->ports.empty()) {
      links.links.push_back({*asked.network.interface, there.bridge->mac});
    }
  }
  if (!links.links.empty()) plan.steps.emplace_back(std::move(links));
  return plan;
}

}  // namespace burrow::netstack
