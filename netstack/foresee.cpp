#include "netstack/foresee.h"

#include <algorithm>
#include <set>
#include <utility>

#include "core/overloaded.h"

namespace burrow::netstack {
namespace {

// The snapshot while one step after the other takes something away.
class Foresight {
 public:
  Foresight(Snapshot& snapshot, const SetupRequest& request)
      : snapshot_(snapshot), request_(request) {}

  void look_past(const Step& step) {
    std::visit(
        Overloaded{
            [this](const DeleteLinks& s) { act(s); },
            [this](const DeleteContainerLink& s) { forget_inside(s.link); },
            [this](const RemoveAddress& s) { act(s); }, [this](const TakeDown& s) { act(s); },
            [this](const SetVlanFiltering& s) { act(s); },
            [this](const LeadBridgedPackets& s) { act(s); }, [this](const LeaveZone& s) { act(s); },
            [this](const RemoveAccepts& s) { act(s); },
            [this](const StopLoopback&) { stop_loopback(); },
            [this](const SetSysctl& s) { act(s); }, [this](const ChangeFirewall& s) { act(s); },
            [this](const ChangeFirewalld& s) { act(s); },
            [this](const RemoveDnsEntry& s) { act(s); }, [](const auto&) {}},
        step);
  }

  void forget_inside(const LinkName& link) {
    if (snapshot_.container) snapshot_.container->taken_links.erase(link);
  }

  void forget_inside(const host::Route& route) {
    if (!snapshot_.container || route.destination.prefix_length() != 0) return;
    auto& metrics = route.destination.family() == Family::ipv4
                        ? snapshot_.container->default_metrics4
                        : snapshot_.container->default_metrics6;
    const auto known = std::ranges::find(metrics, route.metric);
    if (known != metrics.end()) metrics.erase(known);
  }

  // A network's DNS file goes with the last container, as its bridge does.
  void forget_empty_files() {
    for (auto& [name, network] : snapshot_.networks) {
      if (emptied_.contains(name) && !network.bridge) network.dns_header.reset();
    }
  }

 private:
  // Every network that was seen, with the name of its bridge, if it has one.
  template <typename Visit>
  void for_each(Visit visit) {
    for (auto& [name, network] : snapshot_.networks) {
      std::optional<LinkName> bridge;
      if (const auto* asked = find_asked(name)) {
        bridge = asked->network.interface;
      } else if (network.record) {
        bridge = network.record->bridge;
      }
      visit(name, bridge, network);
    }
  }

  [[nodiscard]] const AttachmentRequest* find_asked(const NetworkName& name) const {
    const auto asked = std::ranges::find(
        request_.attachments, name, [](const AttachmentRequest& one) { return one.network.name; });
    return asked == request_.attachments.end() ? nullptr : &*asked;
  }

  // The bridge of that name, as far as it was seen.
  template <typename Visit>
  void with_bridge(const LinkName& name, Visit visit) {
    for_each(
        [&](const NetworkName&, const std::optional<LinkName>& bridge, NetworkSnapshot& network) {
          if (bridge == name && network.bridge) visit(*network.bridge);
        });
  }

  void act(const DeleteLinks& step) {
    const auto is_deleted = [&](const LinkName& name) {
      return std::ranges::find(step.links, name, &OwnedLink::name) != step.links.end();
    };
    for_each([&](const NetworkName& name, const std::optional<LinkName>& bridge,
                 NetworkSnapshot& network) {
      if (bridge && is_deleted(*bridge)) network.bridge.reset();
      if (network.bridge) {
        for (const auto& link : step.links) network.bridge->ports.erase(link.name.str());
      }
      if (network.taken_host_link) {
        if (is_deleted(*network.taken_host_link)) {
          network.free_host_link = std::exchange(network.taken_host_link, std::nullopt);
        }
        return;
      }
      // The first name in the order of preference that is free then.
      for (const auto& own : host_link_names(request_.container, name)) {
        if (own == network.free_host_link) return;
        if (!is_deleted(own)) continue;
        network.free_host_link = own;
        return;
      }
    });
  }

  void act(const LeaveZone& step) {
    for_each(
        [&](const NetworkName&, const std::optional<LinkName>& bridge, NetworkSnapshot& network) {
          if (bridge == step.bridge && network.zone == step.zone) network.zone.reset();
        });
  }

  void act(const RemoveAccepts& step) {
    if (!snapshot_.neighbours) return;
    snapshot_.neighbours = firewall::without(*std::move(snapshot_.neighbours), step.accepts);
  }

  void act(const RemoveAddress& step) {
    if (step.place == Place::container) return;
    with_bridge(step.link,
                [&](BridgeSnapshot& bridge) { std::erase(bridge.addresses, step.address); });
  }

  void act(const TakeDown& step) {
    if (step.place == Place::container) return;
    with_bridge(step.link, [](BridgeSnapshot& bridge) { bridge.is_up = false; });
  }

  void act(const SetVlanFiltering& step) {
    if (step.filtering == host::VlanFiltering::on) return;
    with_bridge(step.bridge, [](BridgeSnapshot& bridge) { bridge.default_vlan.reset(); });
  }

  void act(const LeadBridgedPackets& step) {
    with_bridge(step.bridge,
                [&](BridgeSnapshot& bridge) { bridge.bridged_packets = step.packets; });
  }

  void stop_loopback() {
    if (snapshot_.container) snapshot_.container->is_loopback_up = false;
  }

  void act(const SetSysctl& step) {
    const auto set = [&](std::optional<ForwardingSnapshot>& forwarding) {
      if (forwarding) forwarding = ForwardingSnapshot{step.value != "0", step.along};
    };
    if (step.key == "net/ipv4/ip_forward") set(snapshot_.forwarding4);
    if (step.key == "net/ipv6/conf/all/forwarding") set(snapshot_.forwarding6);
  }

  void act(const ChangeFirewall& step) {
    if (step.table == TableChange::remove) snapshot_.table = firewall::TableState::missing;
    const auto is_removed = [&](const LinkName& bridge) {
      return std::ranges::any_of(step.remove, [&](const firewall::Element& element) {
        return element.set == firewall::SetName::bridges &&
               std::get<LinkName>(element.key.front()) == bridge;
      });
    };
    std::erase_if(snapshot_.firewall_bridges, is_removed);
    for_each(
        [&](const NetworkName&, const std::optional<LinkName>& bridge, NetworkSnapshot& network) {
          if (bridge && is_removed(*bridge)) network.in_firewall.clear();
        });
  }

  void act(const ChangeFirewalld& step) {
    if (!snapshot_.firewalld_driver) return;
    for (const auto& entry : firewall::firewalld_entries(step.remove)) {
      snapshot_.firewalld_driver->standing.erase(entry);
    }
  }

  void act(const RemoveDnsEntry& step) {
    for (auto& [name, network] : snapshot_.networks) {
      const auto* asked = find_asked(name);
      if (asked == nullptr || dns_file_of(asked->network) != step.file) continue;
      if (step.container == request_.container) network.has_dns_entry = false;
      if (step.header) {
        network.dns_header = step.header;
      } else {
        emptied_.insert(name);
      }
    }
  }

  Snapshot& snapshot_;
  const SetupRequest& request_;
  std::set<NetworkName> emptied_;  // networks that containers went from
};

}  // namespace

void Departure::add(const Steps& more) { steps.insert(steps.end(), more.begin(), more.end()); }

void Departure::add_inside(const Steps& made) {
  for (const auto& step : made) {
    if (const auto* veth = std::get_if<CreateVeth>(&step)) links.push_back(veth->veth.peer_name);
    if (const auto* lan = std::get_if<CreateLanLink>(&step)) links.push_back(lan->link.name);
    if (const auto* route = std::get_if<AddRoute>(&step)) routes.push_back(route->route);
  }
}

Snapshot foresee(Snapshot snapshot, const SetupRequest& request, const Departure& gone) {
  Foresight foresight{snapshot, request};
  for (const auto& step : gone.steps) foresight.look_past(step);
  for (const auto& link : gone.links) foresight.forget_inside(link);
  for (const auto& route : gone.routes) foresight.forget_inside(route);
  foresight.forget_empty_files();
  return snapshot;
}

Departure recovery_from(const PendingRecord& pending, const std::string& netns) {
  const bool is_setup = pending.command == PendingRecord::Command::setup;
  Departure gone{
      .steps = is_setup ? invert(pending.steps) : pending.steps, .links = {}, .routes = {}};
  gone.add(invert(pending.put_back));
  if (pending.netns != netns) return gone;
  gone.add_inside(pending.put_back);
  if (is_setup) {
    gone.add_inside(pending.steps);
    return gone;
  }
  for (const auto& change : pending.changes) {
    if (!change.path.starts_with("attachments/") || !change.before || change.after) continue;
    if (const auto record = decode_attachment_record(*change.before)) {
      gone.add_inside(record->steps);
      gone.links.push_back(record->interface);
    }
  }
  return gone;
}

Replacement plan_replacement(const SetupRequest& request, const Snapshot& snapshot,
                             const std::string& netns) {
  Replacement result{.ended = {}, .records = {}, .without = snapshot};
  auto& rest = result.without;
  for (const auto& record : snapshot.attachments) {
    const bool is_asked_for = std::ranges::any_of(
        request.attachments,
        [&](const AttachmentRequest& asked) { return asked.network.name == record.network; });
    if (!is_asked_for && record.netns == netns) continue;
    result.ended.push_back(record.network);
    result.records.push_back(record);
    if (rest.container) rest.container->taken_links.erase(record.interface);
    if (rest.firewalld_driver) {
      for (const auto& entry : firewall::firewalld_entries(firewalld_elements_of(record.steps))) {
        rest.firewalld_driver->standing.erase(entry);
      }
    }
    if (!is_asked_for) continue;
    auto& network = rest.networks.at(record.network);
    network.taken_host_link.reset();
    if (const auto link = record.host_link()) network.free_host_link = link->name;
  }
  std::erase_if(rest.attachments, [&](const AttachmentRecord& record) {
    return std::ranges::find(result.ended, record.network) != result.ended.end();
  });
  return result;
}

}  // namespace burrow::netstack
