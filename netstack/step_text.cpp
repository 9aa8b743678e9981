// Steps as lines for people: what dry runs and logs print.
#include <fmt/ranges.h>

#include "core/overloaded.h"
#include "firewall/firewalld_entries.h"
#include "netstack/lan_options.h"
#include "netstack/step.h"

namespace burrow::netstack {
namespace {

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
          [](const LeadBridgedPackets& s) {
            return fmt::format("lead bridged packets of {} {}", s.bridge, to_string(s.packets));
          },
          [](const JoinZone& s) {
            return fmt::format("put {} into zone {} of firewalld", s.bridge, s.zone);
          },
          [](const LeaveZone& s) {
            return fmt::format("take {} out of zone {} of firewalld", s.bridge, s.zone);
          },
          [](const PlaceAccepts& s) {
            return fmt::format("have chains of other firewalls accept {}", s.accepts.bridge);
          },
          [](const RemoveAccepts& s) {
            return fmt::format("take rules for {} out of chains of other firewalls",
                               s.accepts.bridge);
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
