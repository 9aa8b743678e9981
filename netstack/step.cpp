#include "netstack/step.h"

#include <algorithm>
#include <iterator>

#include "core/overloaded.h"

namespace burrow::netstack {
namespace {

ChangeFirewall taken_back(const ChangeFirewall& change) {
  ChangeFirewall back{.remove = change.add, .add = change.remove};
  // A table that was made or renewed for those who were there before stays.
  if (change.table == TableChange::create && change.restore.empty()) {
    back.table = TableChange::remove;
  }
  return back;
}

// Where an inverted step stands: first what lets traffic and names in, then routes and addresses,
// then links, then settings of the whole host.
int inverted_rank(const Step& step) {
  return std::visit(
      Overloaded{[](const RemoveDnsEntry&) { return 0; }, [](const ReplaceDnsEntry&) { return 0; },
                 [](const NotifyDns&) { return 1; },
                 // Others let nothing pass that our table does not filter.
                 [](const RemoveAccepts&) { return 2; }, [](const ChangeFirewall&) { return 3; },
                 [](const ChangeFirewalld&) { return 3; }, [](const ForgetFlows&) { return 4; },
                 [](const DeleteLinks&) { return 6; }, [](const DeleteLinkGroups&) { return 6; },
                 // The zone stands around the bridge as long as anything can come from there.
                 [](const LeaveZone&) { return 7; }, [](const SetSysctl&) { return 8; },
                 [](const auto&) { return 5; }},
      step);
}

// Links that go, by place: a bridge and the host's end of a pair on the host, its peer inside.
struct DeletedLinks {
  std::vector<LinkName> host;
  std::vector<LinkName> container;
  std::vector<IpNetwork> subnets;  // on the container's links: gateways there go with them

  [[nodiscard]] bool has(Place place, const LinkName& link) const {
    const auto& names = place == Place::host ? host : container;
    return std::ranges::find(names, link) != names.end();
  }
  [[nodiscard]] bool has_setting(Place place, std::string_view key) const {
    const auto& names = place == Place::host ? host : container;
    return std::ranges::any_of(names, [&](const LinkName& name) {
      return key.find(fmt::format("/{}/", name)) != key.npos;
    });
  }
};

DeletedLinks links_made_by(std::span<const Step> steps) {
  DeletedLinks deleted;
  for (const auto& step : steps) {
    if (const auto* bridge = std::get_if<CreateBridge>(&step)) {
      deleted.host.push_back(bridge->bridge.name);
    } else if (const auto* veth = std::get_if<CreateVeth>(&step)) {
      deleted.host.push_back(veth->veth.name);
      deleted.container.push_back(veth->veth.peer_name);
    } else if (const auto* lan = std::get_if<CreateLanLink>(&step)) {
      deleted.container.push_back(lan->link.name);
    } else if (const auto* add = std::get_if<AddAddress>(&step)) {
      if (add->place == Place::container) deleted.subnets.push_back(add->address.network());
    }
  }
  return deleted;
}

bool goes_with_link(const Step& step, const DeletedLinks& deleted) {
  return std::visit(
      Overloaded{
          [&](const AddAddress& add) { return deleted.has(add.place, add.link); },
          [&](const BringUp& up) { return deleted.has(up.place, up.link); },
          [&](const LeadBridgedPackets& lead) { return deleted.has(Place::host, lead.bridge); },
          [&](const AddRoute& add) {
            return !deleted.container.empty() && add.route.gateway &&
                   std::ranges::any_of(deleted.subnets, [&](const IpNetwork& subnet) {
                     return subnet.contains(*add.route.gateway);
                   });
          },
          [&](const SetSysctl& set) { return deleted.has_setting(set.place, set.key); },
          [](const auto&) { return false; }},
      step);
}

void append(ChangeFirewall& to, const ChangeFirewall& change) {
  if (change.table != TableChange::keep) to.table = change.table;
  to.restore.insert(to.restore.end(), change.restore.begin(), change.restore.end());
  to.remove.insert(to.remove.end(), change.remove.begin(), change.remove.end());
  to.add.insert(to.add.end(), change.add.begin(), change.add.end());
}

void append(ChangeFirewalld& to, const ChangeFirewalld& change) {
  to.restore.insert(to.restore.end(), change.restore.begin(), change.restore.end());
  to.remove.insert(to.remove.end(), change.remove.begin(), change.remove.end());
  to.add.insert(to.add.end(), change.add.begin(), change.add.end());
}

bool is_empty(const ChangeFirewalld& change) {
  return change.restore.empty() && change.remove.empty() && change.add.empty();
}

bool is_empty(const ChangeFirewall& change) {
  return change.table == TableChange::keep && change.remove.empty() && change.add.empty();
}

}  // namespace

bool is_errand(const Step& step) {
  return std::holds_alternative<SetUpPlugin>(step) ||
         std::holds_alternative<TearDownPlugin>(step) ||
         std::holds_alternative<AcquireLease>(step) || std::holds_alternative<ReleaseLease>(step);
}

Steps take_errands(Steps& steps) {
  Steps errands;
  std::ranges::copy_if(steps, std::back_inserter(errands), is_errand);
  std::erase_if(steps, is_errand);
  return errands;
}

std::optional<Step> inverse(const Step& step) {
  using Inverse = std::optional<Step>;
  return std::visit(
      Overloaded{
          [](const CreateBridge& create) -> Inverse {
            return DeleteLinks{{{create.bridge.name, create.bridge.mac}}};
          },
          [](const SetVlanFiltering& set) -> Inverse {
            return SetVlanFiltering{set.bridge, set.filtering == host::VlanFiltering::on
                                                    ? host::VlanFiltering::off
                                                    : host::VlanFiltering::on};
          },
          [](const LeadBridgedPackets& lead) -> Inverse {
            using enum host::BridgedPackets;
            return LeadBridgedPackets{
                lead.bridge, lead.packets == past_firewall ? through_firewall : past_firewall};
          },
          [](const KeepSettings& keep) -> Inverse {
            if (keep.before) return KeepSettings{keep.link, *keep.before, keep.settings};
            return ForgetSettings{keep.link};
          },
          [](const JoinZone& join) -> Inverse {
            return LeaveZone{join.bridge, join.zone};
          },
          [](const PlaceAccepts& place) -> Inverse {
            if (place.occasion == PlaceAccepts::Occasion::put_back) return std::nullopt;
            return RemoveAccepts{place.accepts};
          },
          [](const RemoveAccepts& remove) -> Inverse { return PlaceAccepts{remove.accepts}; },
          [](const CreateVeth& create) -> Inverse {
            return DeleteLinks{{{create.veth.name, create.veth.mac}}};
          },
          [](const CreateLanLink& create) -> Inverse {
            return DeleteLinkGroups{{create.link.group}};
          },
          [](const BringUp& up) -> Inverse {
            return TakeDown{up.place, up.link};
          },
          [](const TakeDown& down) -> Inverse {
            return BringUp{down.place, down.link};
          },
          [](const StartLoopback&) -> Inverse { return StopLoopback{}; },
          [](const StopLoopback&) -> Inverse { return StartLoopback{}; },
          [](const AddAddress& add) -> Inverse {
            return RemoveAddress{add.place, add.link, add.address};
          },
          [](const RemoveAddress& remove) -> Inverse {
            return AddAddress{remove.place, remove.link, remove.address};
          },
          [](const AddRoute& add) -> Inverse { return RemoveRoute{add.route}; },
          [](const RemoveRoute& remove) -> Inverse { return AddRoute{remove.route}; },
          [](const SetSysctl& set) -> Inverse {
            if (!set.before) return std::nullopt;
            return SetSysctl{set.place, set.key,   *set.before,
                             set.value, set.along, !set.taking_back};
          },
          [](const ChangeFirewall& change) -> Inverse { return taken_back(change); },
          [](const ChangeFirewalld& change) -> Inverse {
            if (change.remove.empty() && change.add.empty()) return std::nullopt;
            return ChangeFirewalld{.remove = change.add, .add = change.remove};
          },
          [](const ForgetFlows& forget) -> Inverse {
            return ForgetFlows{forget.ports, {}};
          },
          [](const AddDnsEntry& add) -> Inverse {
            return RemoveDnsEntry{add.file, add.container, add.header_before};
          },
          [](const ReplaceDnsEntry& s) -> Inverse {
            return ReplaceDnsEntry{s.file,         s.container, s.header_before,
                                   s.entry_before, s.header,    s.entry};
          },
          [](const ServeDns&) -> Inverse { return NotifyDns{}; },
          [](const SetUpPlugin& set_up) -> Inverse { return TearDownPlugin{set_up.call}; },
          [](const AcquireLease& acquire) -> Inverse {
            return ReleaseLease{acquire.request.holder};
          },
          [](const auto&) -> Inverse { return std::nullopt; }},
      step);
}

Steps invert(std::span<const Step> steps) {
  const auto deleted = links_made_by(steps);
  ChangeFirewall firewall;
  ChangeFirewalld firewalld;
  DeleteLinks links;
  DeleteLinkGroups groups;
  bool has_dns = false;
  Steps result;
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    if (goes_with_link(*step, deleted)) continue;
    auto back = inverse(*step);
    if (!back) continue;
    if (const auto* change = std::get_if<ChangeFirewall>(&*back)) {
      append(firewall, *change);
    } else if (const auto* other = std::get_if<ChangeFirewalld>(&*back)) {
      append(firewalld, *other);
    } else if (const auto* gone = std::get_if<DeleteLinks>(&*back)) {
      links.links.insert(links.links.end(), gone->links.begin(), gone->links.end());
    } else if (const auto* inside = std::get_if<DeleteLinkGroups>(&*back)) {
      groups.groups.insert(groups.groups.end(), inside->groups.begin(), inside->groups.end());
    } else if (std::holds_alternative<NotifyDns>(*back)) {
      has_dns = true;
    } else {
      has_dns |= std::holds_alternative<RemoveDnsEntry>(*back) ||
                 std::holds_alternative<ReplaceDnsEntry>(*back);
      result.push_back(*std::move(back));
    }
  }
  if (has_dns) result.emplace_back(NotifyDns{});
  if (!is_empty(firewall)) result.emplace_back(std::move(firewall));
  if (!is_empty(firewalld)) result.emplace_back(std::move(firewalld));
  if (!links.links.empty()) result.emplace_back(std::move(links));
  if (!groups.groups.empty()) result.emplace_back(std::move(groups));
  std::ranges::stable_sort(result, {}, inverted_rank);
  return result;
}

Steps merge(Steps steps) {
  ChangeFirewall firewall;
  ChangeFirewalld firewalld;
  bool serves_dns = false;
  Steps result;
  for (auto& step : steps) {
    if (const auto* change = std::get_if<ChangeFirewall>(&step)) {
      append(firewall, *change);
    } else if (const auto* other = std::get_if<ChangeFirewalld>(&step)) {
      append(firewalld, *other);
    } else if (std::holds_alternative<ServeDns>(step)) {
      serves_dns = true;
    } else {
      result.push_back(std::move(step));
    }
  }
  if (!is_empty(firewall)) result.insert(result.begin(), std::move(firewall));
  if (!is_empty(firewalld)) {
    // Flows are forgotten when ports lead where they are to lead.
    const auto is_forgetting = [](const Step& step) {
      return std::holds_alternative<ForgetFlows>(step);
    };
    result.insert(std::ranges::find_if(result, is_forgetting), std::move(firewalld));
  }
  if (serves_dns) result.emplace_back(ServeDns{});
  return result;
}

}  // namespace burrow::netstack
