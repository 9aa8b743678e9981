#include "netstack/step.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

#include "firewall/firewalld_entries.h"
#include "netstack/lan_options.h"

namespace burrow::netstack {
namespace {

template <typename... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};

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
                 [](const NotifyDns&) { return 1; }, [](const ChangeFirewall&) { return 2; },
                 [](const ChangeFirewalld&) { return 2; }, [](const ForgetFlows&) { return 3; },
                 [](const DeleteLinks&) { return 5; }, [](const DeleteLinkGroups&) { return 5; },
                 // The zone stands around the bridge as long as anything can come from there.
                 [](const LeaveZone&) { return 6; }, [](const SetSysctl&) { return 7; },
                 [](const auto&) { return 4; }},
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
      Overloaded{[&](const AddAddress& add) { return deleted.has(add.place, add.link); },
                 [&](const BringUp& up) { return deleted.has(up.place, up.link); },
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

std::string describe(const ChangeFirewall& change) {
  std::string text = "change firewall";
  if (change.table == TableChange::create) text += ", create table inet burrow";
  if (change.table == TableChange::mend) text += ", mend table inet burrow";
  if (change.table == TableChange::replace) text += ", renew table inet burrow";
  if (!change.restore.empty()) text += fmt::format(", restore {} elements", change.restore.size());
  if (change.table == TableChange::remove) text += ", remove table inet burrow";
  for (const auto& element : change.remove) {
    text += fmt::format("\n    - {}", firewall::to_string(element));
  }
  for (const auto& element : change.add) {
    text += fmt::format("\n    + {}", firewall::to_string(element));
  }
  return text;
}

std::string describe(const ChangeFirewalld& change) {
  std::string text = "change firewalld";
  const auto list = [&](std::string_view sign, const std::vector<firewall::Element>& elements) {
    for (const auto& entry : firewall::firewalld_entries(elements)) {
      text += fmt::format("\n    {} {}", sign, firewall::to_string(entry));
    }
  };
  list("=", change.restore);
  list("-", change.remove);
  list("+", change.add);
  return text;
}

std::string_view where(Place place) { return place == Place::host ? "host" : "container"; }

std::string_view kind_word(host::RouteKind kind) {
  switch (kind) {
    case host::RouteKind::unicast:
      return "";
    case host::RouteKind::blackhole:
      return "blackhole ";
    case host::RouteKind::unreachable:
      return "unreachable ";
    case host::RouteKind::prohibit:
      return "prohibit ";
  }
  return "";
}

std::string describe(std::string_view verb, const host::Route& route) {
  auto text = fmt::format("{} route {}{} in container", verb, kind_word(route.kind),
                          route.destination.to_string());
  if (route.gateway) text += fmt::format(" via {}", route.gateway->to_string());
  return text + fmt::format(" metric {}", route.metric);
}

std::string describe(const host::NewLanLink& link) {
  std::string_view kind = "ipvlan";
  std::string details;
  if (const auto* macvlan = std::get_if<host::Macvlan>(&link.kind)) {
    kind = "macvlan";
    details = fmt::format(" mode {}", to_string(macvlan->mode));
    if (macvlan->mac) details += fmt::format(" mac {}", macvlan->mac->to_string());
    if (macvlan->broadcast_cutoff) details += fmt::format(" bclim {}", *macvlan->broadcast_cutoff);
  } else {
    details = fmt::format(" mode {}", to_string(std::get<host::Ipvlan>(link.kind).mode));
  }
  if (link.mtu) details += fmt::format(" mtu {}", *link.mtu);
  return fmt::format("create {} {} on {}{} group {} in container", kind, link.name, link.parent,
                     details, link.group);
}

std::string_view families_of(const dhcp::LeaseRequest& request) {
  if (request.families.size() > 1) return "an IPv4 and an IPv6";
  return request.families.front() == Family::ipv4 ? "an IPv4" : "an IPv6";
}

// The lines after the first stand below it.
std::string indented(std::string_view lines) {
  std::string text;
  for (const char c : lines) {
    text += c;
    if (c == '\n') text += "    ";
  }
  return text;
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
      Overloaded{[](const CreateBridge& create) -> Inverse {
                   return DeleteLinks{{{create.bridge.name, create.bridge.mac}}};
                 },
                 [](const SetVlanFiltering& set) -> Inverse {
                   return SetVlanFiltering{set.bridge, set.filtering == host::VlanFiltering::on
                                                           ? host::VlanFiltering::off
                                                           : host::VlanFiltering::on};
                 },
                 [](const KeepSettings& keep) -> Inverse {
                   if (keep.before) return KeepSettings{keep.link, *keep.before, keep.settings};
                   return ForgetSettings{keep.link};
                 },
                 [](const JoinZone& join) -> Inverse {
                   return LeaveZone{join.bridge, join.zone};
                 },
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

std::string to_string(const Step& step) {
  return std::visit(
      Overloaded{
          [](const CreateBridge& s) {
            return fmt::format("create bridge {} mac {}{}{}{}", s.bridge.name,
                               s.bridge.mac.to_string(),
                               s.bridge.mtu ? fmt::format(" mtu {}", *s.bridge.mtu) : "",
                               s.bridge.vlan ? fmt::format(" vlan {}", *s.bridge.vlan) : "",
                               s.bridge.vrf ? fmt::format(" in vrf {}", *s.bridge.vrf) : "");
          },
          [](const KeepSettings& s) {
            return fmt::format("tell systemd-sysctl {} settings of {}", s.settings.size(), s.link);
          },
          [](const ForgetSettings& s) {
            return fmt::format("have systemd-sysctl forget {}", s.link);
          },
          [](const SetVlanFiltering& s) {
            return fmt::format("switch VLAN filtering of {} {}", s.bridge, to_string(s.filtering));
          },
          [](const JoinZone& s) {
            return fmt::format("put {} into zone {} of firewalld", s.bridge, s.zone);
          },
          [](const LeaveZone& s) {
            return fmt::format("take {} out of zone {} of firewalld", s.bridge, s.zone);
          },
          [](const CreateVeth& s) {
            return fmt::format("create veth {} (port of {}{}) with peer {} mac {} in container{}",
                               s.veth.name, s.veth.bridge,
                               s.veth.vlan ? fmt::format(" in vlan {}", *s.veth.vlan) : "",
                               s.veth.peer_name, s.veth.peer_mac.to_string(),
                               s.veth.mtu ? fmt::format(" mtu {}", *s.veth.mtu) : "");
          },
          [](const CreateLanLink& s) { return describe(s.link); },
          [](const DeleteLinkGroups& s) {
            return fmt::format("delete links of group {} in container", fmt::join(s.groups, ", "));
          },
          [](const EnableHairpin& s) { return fmt::format("enable hairpin mode on {}", s.link); },
          [](const BringUp& s) { return fmt::format("set {} up on {}", s.link, where(s.place)); },
          [](const TakeDown& s) {
            return fmt::format("set {} down on {}", s.link, where(s.place));
          },
          [](const StartLoopback&) { return std::string{"set lo up in container"}; },
          [](const StopLoopback&) { return std::string{"set lo down in container"}; },
          [](const AnswerLoopback& s) {
            return fmt::format("take answers to ::1 from {}", s.bridge);
          },
          [](const DeleteLinks& s) {
            std::string text = "delete links";
            for (const auto& link : s.links) text += fmt::format(" {}", link.name);
            return text;
          },
          [](const DeleteContainerLink& s) {
            return fmt::format("delete link {} in container", s.link);
          },
          [](const AddAddress& s) {
            return fmt::format("add address {} to {} on {}", s.address.to_string(), s.link,
                               where(s.place));
          },
          [](const RemoveAddress& s) {
            return fmt::format("remove address {} from {} on {}", s.address.to_string(), s.link,
                               where(s.place));
          },
          [](const AddRoute& s) { return describe("add", s.route); },
          [](const RemoveRoute& s) { return describe("remove", s.route); },
          [](const SetSysctl& s) {
            return fmt::format("set sysctl {} = {} on {}", s.key, s.value, where(s.place));
          },
          [](const ChangeFirewall& s) { return describe(s); },
          [](const ChangeFirewalld& s) { return describe(s); },
          [](const ForgetFlows& s) {
            return fmt::format("forget UDP flows to {} published ports", s.ports.size());
          },
          [](const AddDnsEntry& s) {
            return fmt::format("add to DNS of {}: {}", s.file, indented(s.entry));
          },
          [](const ReplaceDnsEntry& s) {
            return fmt::format("change in DNS of {}: {}", s.file,
                               indented(s.header == s.header_before ? s.entry : s.header));
          },
          [](const RemoveDnsEntry& s) {
            return fmt::format("remove from DNS of {}: {}", s.file, s.container);
          },
          [](const ServeDns&) { return std::string{"start or notify the DNS daemon"}; },
          [](const NotifyDns&) { return std::string{"notify the DNS daemon"}; },
          [](const SetUpPlugin& s) {
            return fmt::format("run plugin {} to set up {}", s.call.name(), s.call.network);
          },
          [](const TearDownPlugin& s) {
            return fmt::format("run plugin {} to tear down {}", s.call.name(), s.call.network);
          },
          [](const AcquireLease& s) {
            return fmt::format("get {} lease for {} on {} from the DHCP proxy",
                               families_of(s.request), s.request.holder.interface,
                               s.request.network);
          },
          [](const ReleaseLease& s) {
            return fmt::format("have the DHCP proxy give back the lease of {}", s.holder.interface);
          }},
      step);
}

}  // namespace burrow::netstack
