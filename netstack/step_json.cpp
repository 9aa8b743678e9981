#include "netstack/step_json.h"

#include "netstack/lan_options.h"
#include "netstack/port_json.h"
#include "netstack/step_words.h"

namespace burrow::netstack {
namespace {

Json encode(const std::vector<firewall::Element>& elements) {
  Json json = Json::array();
  for (const auto& element : elements) json.push_back(firewall::encode(element));
  return json;
}

Json encode_route(const char* step, const host::Route& route) {
  Json json{{"step", step}, {"destination", route.destination.to_string()}};
  if (route.gateway) json["gateway"] = route.gateway->to_string();
  json["metric"] = route.metric;
  json["type"] = word(route.kind);
  return json;
}

Json encode_link(const char* step, Place place, const LinkName& link) {
  return {{"step", step}, {"place", word(place)}, {"link", link.str()}};
}

Json encode_address(const char* step, Place place, const LinkName& link, const IpInterface& on) {
  return {
      {"step", step}, {"place", word(place)}, {"link", link.str()}, {"address", on.to_string()}};
}

Json encode_lan_link(const host::NewLanLink& link) {
  Json json{{"step", "create_lan_link"},
            {"link", link.name.str()},
            {"parent", link.parent.str()},
            {"group", link.group}};
  if (const auto* macvlan = std::get_if<host::Macvlan>(&link.kind)) {
    json["kind"] = "macvlan";
    json["mode"] = to_string(macvlan->mode);
    if (macvlan->mac) json["mac"] = macvlan->mac->to_string();
    if (macvlan->broadcast_cutoff) json["bclim"] = fmt::format("{}", *macvlan->broadcast_cutoff);
  } else {
    json["kind"] = "ipvlan";
    json["mode"] = to_string(std::get<host::Ipvlan>(link.kind).mode);
  }
  if (link.mtu) json["mtu"] = *link.mtu;
  return json;
}

Json encode_plugin(const char* step, const PluginCall& call) {
  return {{"step", step},
          {"program", call.program},
          {"network", call.network.str()},
          {"netns", call.netns},
          {"input", Json::parse(call.input, nullptr, false)}};
}

Json encode_accepts(const char* step, const firewall::Accepts& accepts) {
  Json families = Json::array();
  if (accepts.has_ipv4) families.push_back("ipv4");
  if (accepts.has_ipv6) families.push_back("ipv6");
  Json json{{"step", step},
            {"network", accepts.network.str()},
            {"link", accepts.bridge.str()},
            {"families", std::move(families)},
            {"reach", word(accepts.reach)}};
  if (accepts.dns_port) json["dns_port"] = *accepts.dns_port;
  return json;
}

Json list(const std::vector<Setting>& settings) {
  Json json = Json::array();
  for (const auto& setting : settings) {
    json.push_back({{"key", setting.key}, {"value", setting.value}});
  }
  return json;
}

struct Encoder {
  Json operator()(const CreateBridge& s) const {
    Json json{{"step", "create_bridge"},
              {"link", s.bridge.name.str()},
              {"mac", s.bridge.mac.to_string()}};
    if (s.bridge.mtu) json["mtu"] = *s.bridge.mtu;
    if (s.bridge.vlan) json["vlan"] = *s.bridge.vlan;
    if (s.bridge.vrf) json["vrf"] = s.bridge.vrf->str();
    return json;
  }
  Json operator()(const JoinZone& s) const {
    return {{"step", "join_zone"}, {"link", s.bridge.str()}, {"zone", s.zone}};
  }
  Json operator()(const LeaveZone& s) const {
    return {{"step", "leave_zone"}, {"link", s.bridge.str()}, {"zone", s.zone}};
  }
  Json operator()(const PlaceAccepts& s) const {
    auto json = encode_accepts("place_accepts", s.accepts);
    if (s.occasion == PlaceAccepts::Occasion::put_back) json["occasion"] = "put_back";
    return json;
  }
  Json operator()(const RemoveAccepts& s) const {
    return encode_accepts("remove_accepts", s.accepts);
  }
  Json operator()(const CreateVeth& s) const {
    Json json{{"step", "create_veth"},          {"link", s.veth.name.str()},
              {"mac", s.veth.mac.to_string()},  {"bridge", s.veth.bridge.str()},
              {"peer", s.veth.peer_name.str()}, {"peer_mac", s.veth.peer_mac.to_string()}};
    if (s.veth.mtu) json["mtu"] = *s.veth.mtu;
    if (s.veth.vlan) json["vlan"] = *s.veth.vlan;
    return json;
  }
  Json operator()(const KeepSettings& s) const {
    Json json{{"step", "keep_settings"}, {"link", s.link.str()}, {"settings", list(s.settings)}};
    if (s.before) json["before"] = list(*s.before);
    return json;
  }
  Json operator()(const ForgetSettings& s) const {
    return {{"step", "forget_settings"}, {"link", s.link.str()}};
  }
  Json operator()(const SetVlanFiltering& s) const {
    return {{"step", "set_vlan_filtering"},
            {"link", s.bridge.str()},
            {"value", to_string(s.filtering)}};
  }
  Json operator()(const LeadBridgedPackets& s) const {
    return {{"step", "lead_bridged_packets"}, {"link", s.bridge.str()}, {"value", word(s.packets)}};
  }
  Json operator()(const CreateLanLink& s) const { return encode_lan_link(s.link); }
  Json operator()(const DeleteLinkGroups& s) const {
    return {{"step", "delete_link_groups"}, {"groups", s.groups}};
  }
  Json operator()(const EnableHairpin& s) const {
    return {{"step", "enable_hairpin"}, {"link", s.link.str()}};
  }
  Json operator()(const BringUp& s) const { return encode_link("bring_up", s.place, s.link); }
  Json operator()(const TakeDown& s) const { return encode_link("take_down", s.place, s.link); }
  Json operator()(const StartLoopback&) const { return {{"step", "start_loopback"}}; }
  Json operator()(const StopLoopback&) const { return {{"step", "stop_loopback"}}; }
  Json operator()(const AnswerLoopback& s) const {
    return {{"step", "answer_loopback"}, {"link", s.bridge.str()}};
  }
  Json operator()(const DeleteLinks& s) const {
    Json links = Json::array();
    for (const auto& link : s.links) {
      links.push_back({{"link", link.name.str()}, {"mac", link.mac.to_string()}});
    }
    return {{"step", "delete_links"}, {"links", std::move(links)}};
  }
  Json operator()(const DeleteContainerLink& s) const {
    return {{"step", "delete_container_link"}, {"link", s.link.str()}};
  }
  Json operator()(const AddAddress& s) const {
    return encode_address("add_address", s.place, s.link, s.address);
  }
  Json operator()(const RemoveAddress& s) const {
    return encode_address("remove_address", s.place, s.link, s.address);
  }
  Json operator()(const AddRoute& s) const { return encode_route("add_route", s.route); }
  Json operator()(const RemoveRoute& s) const { return encode_route("remove_route", s.route); }
  Json operator()(const SetSysctl& s) const {
    Json json{{"step", "set_sysctl"}, {"place", word(s.place)}, {"key", s.key}, {"value", s.value}};
    if (s.before) json["before"] = *s.before;
    if (!s.along.empty()) json["along"] = list(s.along);
    if (s.taking_back) json["taking_back"] = true;
    return json;
  }
  Json operator()(const ChangeFirewall& s) const {
    Json json{{"step", "change_firewall"}, {"table", word(s.table)}};
    if (!s.restore.empty()) json["restore"] = encode(s.restore);
    if (!s.remove.empty()) json["remove"] = encode(s.remove);
    if (!s.add.empty()) json["add"] = encode(s.add);
    return json;
  }
  Json operator()(const ChangeFirewalld& s) const {
    Json json{{"step", "change_firewalld"}};
    if (!s.restore.empty()) json["restore"] = encode(s.restore);
    if (!s.remove.empty()) json["remove"] = encode(s.remove);
    if (!s.add.empty()) json["add"] = encode(s.add);
    return json;
  }
  Json operator()(const ForgetFlows& s) const {
    Json targets = Json::array();
    for (const auto& target : s.targets) targets.push_back(target.to_string());
    return {{"step", "forget_flows"},
            {"ports", netstack::encode(s.ports)},
            {"targets", std::move(targets)}};
  }
  Json operator()(const AddDnsEntry& s) const {
    Json json{{"step", "add_dns_entry"},
              {"file", s.file},
              {"container", s.container.str()},
              {"header", s.header},
              {"entry", s.entry}};
    if (s.header_before) json["header_before"] = *s.header_before;
    return json;
  }
  Json operator()(const ReplaceDnsEntry& s) const {
    return {{"step", "replace_dns_entry"},
            {"file", s.file},
            {"container", s.container.str()},
            {"header", s.header},
            {"entry", s.entry},
            {"header_before", s.header_before},
            {"entry_before", s.entry_before}};
  }
  Json operator()(const RemoveDnsEntry& s) const {
    Json json{{"step", "remove_dns_entry"}, {"file", s.file}, {"container", s.container.str()}};
    if (s.header) json["header"] = *s.header;
    return json;
  }
  Json operator()(const ServeDns&) const { return {{"step", "serve_dns"}}; }
  Json operator()(const NotifyDns&) const { return {{"step", "notify_dns"}}; }
  Json operator()(const SetUpPlugin& s) const {
    auto json = encode_plugin("set_up_plugin", s.call);
    if (s.answer) json["answer"] = Json::parse(*s.answer, nullptr, false);
    return json;
  }
  Json operator()(const TearDownPlugin& s) const {
    return encode_plugin("tear_down_plugin", s.call);
  }
  Json operator()(const AcquireLease& s) const {
    return {{"step", "acquire_lease"}, {"request", dhcp::encode(s.request)}};
  }
  Json operator()(const ReleaseLease& s) const {
    return {{"step", "release_lease"}, {"holder", dhcp::encode(s.holder)}};
  }
};

}  // namespace

Json encode(const Step& step) { return std::visit(Encoder{}, step); }

Json encode(const Steps& steps) {
  Json json = Json::array();
  for (const auto& step : steps) json.push_back(encode(step));
  return json;
}

}  // namespace burrow::netstack
