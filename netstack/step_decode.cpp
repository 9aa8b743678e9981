#include "dhcp/protocol.h"
#include "netstack/lan_options.h"
#include "netstack/port_json.h"
#include "netstack/step_json.h"
#include "netstack/step_words.h"

namespace burrow::netstack {
namespace {

// Readers of single fields, each with the path in its errors.
class Fields {
 public:
  explicit Fields(const JsonCursor& cursor) : cursor_(cursor) {}

  [[nodiscard]] Result<std::string> text(std::string_view key) const {
    return TRY(cursor_.at(key)).string();
  }
  [[nodiscard]] Result<LinkName> link(std::string_view key = "link") const {
    return parsed(key, LinkName::parse);
  }
  [[nodiscard]] Result<MacAddress> mac(std::string_view key = "mac") const {
    return parsed(key, MacAddress::parse);
  }
  [[nodiscard]] Result<Place> place() const { return parsed("place", parse_place); }
  [[nodiscard]] Result<ContainerId> container() const {
    return parsed("container", ContainerId::parse);
  }
  [[nodiscard]] Result<IpInterface> address() const {
    return parsed("address", IpInterface::parse);
  }
  [[nodiscard]] Result<std::optional<uint32_t>> mtu() const {
    const auto member = TRY(cursor_.find("mtu"));
    if (!member) return std::nullopt;
    return static_cast<uint32_t>(TRY(member->unsigned_integer(UINT32_MAX)));
  }
  [[nodiscard]] Result<std::optional<uint16_t>> vlan() const {
    const auto member = TRY(cursor_.find("vlan"));
    if (!member) return std::nullopt;
    return static_cast<uint16_t>(TRY(member->unsigned_integer(UINT16_MAX)));
  }
  [[nodiscard]] Result<std::optional<LinkName>> optional_link(std::string_view key) const {
    if (!TRY(cursor_.find(key))) return std::nullopt;
    return TRY(link(key));
  }
  [[nodiscard]] Result<uint32_t> number(std::string_view key) const {
    return static_cast<uint32_t>(TRY(TRY(cursor_.at(key)).unsigned_integer(UINT32_MAX)));
  }
  [[nodiscard]] Result<std::vector<uint32_t>> numbers(std::string_view key) const {
    std::vector<uint32_t> result;
    for (const auto& element : TRY(TRY(cursor_.at(key)).elements())) {
      result.push_back(static_cast<uint32_t>(TRY(element.unsigned_integer(UINT32_MAX))));
    }
    return result;
  }
  [[nodiscard]] Result<std::variant<host::Macvlan, host::Ipvlan>> lan_kind() const {
    const auto kind = TRY(text("kind"));
    if (kind == "ipvlan") return host::Ipvlan{TRY(parsed("mode", parse_ipvlan_mode))};
    if (kind != "macvlan") return cursor_.failure("unknown kind \"{}\"", kind.substr(0, 64));
    host::Macvlan macvlan{.mode = TRY(parsed("mode", parse_macvlan_mode))};
    if (TRY(cursor_.find("mac"))) macvlan.mac = TRY(mac());
    if (const auto bclim = TRY(optional_text("bclim"))) {
      macvlan.broadcast_cutoff = TRY(read_signed_number({{"bclim", *bclim}}, "bclim"));
    }
    return macvlan;
  }
  // The name of a DNS file cannot lead out of its directory.
  [[nodiscard]] Result<std::string> file() const {
    auto name = TRY(text("file"));
    if (name.empty() || name.front() == '.' || name.find('/') != name.npos) {
      return cursor_.failure("not a file name: \"{}\"", name);
    }
    return name;
  }
  [[nodiscard]] Result<std::vector<firewall::Element>> elements(std::string_view key) const {
    std::vector<firewall::Element> result;
    if (const auto member = TRY(cursor_.find(key))) {
      for (const auto& element : TRY(member->elements())) {
        result.push_back(TRY(firewall::decode_element(element)));
      }
    }
    return result;
  }
  [[nodiscard]] Result<host::Route> route() const {
    auto destination = TRY(parsed("destination", IpNetwork::parse));
    const auto kind = TRY(parsed("type", parse_route_kind));
    host::Route route{.destination = std::move(destination), .kind = kind};
    route.metric =
        static_cast<uint32_t>(TRY(TRY(cursor_.at("metric")).unsigned_integer(UINT32_MAX)));
    if (const auto gateway = TRY(cursor_.find("gateway"))) {
      route.gateway = TRY(gateway->parsed(IpAddress::parse));
    }
    return route;
  }
  [[nodiscard]] Result<std::vector<PortMapping>> ports() const {
    return decode_ports(TRY(cursor_.at("ports")));
  }
  [[nodiscard]] Result<std::vector<IpAddress>> targets() const {
    std::vector<IpAddress> result;
    for (const auto& element : TRY(TRY(cursor_.at("targets")).elements())) {
      result.push_back(TRY(element.parsed(IpAddress::parse)));
    }
    return result;
  }
  [[nodiscard]] Result<std::vector<OwnedLink>> links() const {
    std::vector<OwnedLink> result;
    for (const auto& element : TRY(TRY(cursor_.at("links")).elements())) {
      const Fields fields{element};
      result.push_back(TRY(made_of<OwnedLink>(fields.link(), fields.mac())));
    }
    return result;
  }
  [[nodiscard]] Result<std::optional<std::string>> optional_text(std::string_view key) const {
    const auto member = TRY(cursor_.find(key));
    if (!member) return std::nullopt;
    return TRY(member->string());
  }
  // A key names a setting of the network and nothing else on the host.
  static Result<std::string> parse_key(std::string_view text) {
    if (!text.starts_with("net/") || text.find("/../") != text.npos || text.ends_with("/..")) {
      return fail(Errc::invalid_input, "not a setting of the network: \"{}\"", text.substr(0, 128));
    }
    return std::string{text};
  }
  [[nodiscard]] Result<std::vector<Setting>> settings(std::string_view name) const {
    std::vector<Setting> result;
    if (const auto member = TRY(cursor_.find(name))) {
      for (const auto& element : TRY(member->elements())) {
        const Fields fields{element};
        result.push_back(
            TRY(made_of<Setting>(fields.parsed("key", parse_key), fields.text("value"))));
      }
    }
    return result;
  }
  [[nodiscard]] Result<bool> has(std::string_view key) const {
    return TRY(cursor_.find(key)).has_value();
  }
  [[nodiscard]] Result<bool> flag(std::string_view key) const {
    const auto member = TRY(cursor_.find(key));
    return member ? member->boolean() : Result<bool>{false};
  }
  [[nodiscard]] Result<firewall::Accepts> accepts() const {
    auto network = TRY(parsed("network", NetworkName::parse));
    auto bridge = TRY(link());
    firewall::Accepts result{.network = std::move(network), .bridge = std::move(bridge)};
    for (const auto& element : TRY(TRY(cursor_.at("families")).elements())) {
      const auto family = TRY(element.string());
      if (family != "ipv4" && family != "ipv6") {
        return element.failure("unknown family \"{}\"", family.substr(0, 64));
      }
      (family == "ipv4" ? result.has_ipv4 : result.has_ipv6) = true;
    }
    result.reach = TRY(parsed("reach", parse_reach));
    if (const auto port = TRY(cursor_.find("dns_port"))) {
      result.dns_port = static_cast<uint16_t>(TRY(port->unsigned_integer(UINT16_MAX)));
    }
    return result;
  }
  [[nodiscard]] Result<PlaceAccepts::Occasion> occasion() const {
    const auto member = TRY(cursor_.find("occasion"));
    if (!member) return PlaceAccepts::Occasion::beginning;
    if (const auto word = TRY(member->string()); word != "put_back") {
      return member->failure("unknown occasion \"{}\"", word.substr(0, 64));
    }
    return PlaceAccepts::Occasion::put_back;
  }
  [[nodiscard]] Result<PluginCall> plugin() const {
    auto program = TRY(parsed("program", parse_plugin_path));
    auto network = TRY(parsed("network", NetworkName::parse));
    auto netns = TRY(text("netns"));
    auto input = TRY(cursor_.at("input")).value().dump();
    return PluginCall{.program = std::move(program),
                      .network = std::move(network),
                      .netns = std::move(netns),
                      .input = std::move(input)};
  }
  [[nodiscard]] Result<std::optional<std::string>> answer() const {
    const auto member = TRY(cursor_.find("answer"));
    if (!member) return std::nullopt;
    return member->value().dump();
  }
  template <typename Parse>
  [[nodiscard]] auto parsed(std::string_view key, Parse parse) const
      -> decltype(parse(std::string_view{})) {
    return TRY(cursor_.at(key)).parsed(parse);
  }

 private:
  const JsonCursor& cursor_;
};

// Nothing for a kind that is none of links.
Result<std::optional<Step>> decode_link_step(std::string_view kind, const Fields& fields) {
  if (kind == "create_bridge") {
    return TRY(made_of<CreateBridge>(fields.link(), fields.mac(), fields.mtu(), fields.vlan(),
                                     fields.optional_link("vrf")));
  }
  if (kind == "create_veth") {
    return TRY(made_of<CreateVeth>(fields.link(), fields.mac(), fields.link("bridge"),
                                   fields.link("peer"), fields.mac("peer_mac"), fields.mtu(),
                                   fields.vlan()));
  }
  if (kind == "keep_settings") {
    auto keep = TRY(made_of<KeepSettings>(fields.link(), fields.settings("settings")));
    if (TRY(fields.has("before"))) keep.before = TRY(fields.settings("before"));
    return keep;
  }
  if (kind == "forget_settings") return ForgetSettings{TRY(fields.link())};
  if (kind == "join_zone") {
    return TRY(made_of<JoinZone>(fields.link(), fields.text("zone")));
  }
  if (kind == "leave_zone") {
    return TRY(made_of<LeaveZone>(fields.link(), fields.text("zone")));
  }
  if (kind == "place_accepts") {
    return TRY(made_of<PlaceAccepts>(fields.accepts(), fields.occasion()));
  }
  if (kind == "remove_accepts") return RemoveAccepts{TRY(fields.accepts())};
  if (kind == "set_vlan_filtering") {
    return TRY(made_of<SetVlanFiltering>(fields.link(), fields.parsed("value", parse_filtering)));
  }
  if (kind == "lead_bridged_packets") {
    return TRY(
        made_of<LeadBridgedPackets>(fields.link(), fields.parsed("value", parse_bridged_packets)));
  }
  if (kind == "create_lan_link") {
    return TRY(made_of<CreateLanLink>(fields.link(), fields.link("parent"), fields.number("group"),
                                      fields.lan_kind(), fields.mtu()));
  }
  if (kind == "delete_link_groups") return DeleteLinkGroups{TRY(fields.numbers("groups"))};
  if (kind == "enable_hairpin") return EnableHairpin{TRY(fields.link())};
  if (kind == "answer_loopback") return AnswerLoopback{TRY(fields.link())};
  if (kind == "bring_up") return TRY(made_of<BringUp>(fields.place(), fields.link()));
  if (kind == "take_down") return TRY(made_of<TakeDown>(fields.place(), fields.link()));
  if (kind == "delete_links") return DeleteLinks{TRY(fields.links())};
  if (kind == "delete_container_link") return DeleteContainerLink{TRY(fields.link())};
  if (kind == "add_address") {
    return TRY(made_of<AddAddress>(fields.place(), fields.link(), fields.address()));
  }
  if (kind == "remove_address") {
    return TRY(made_of<RemoveAddress>(fields.place(), fields.link(), fields.address()));
  }
  return std::nullopt;
}

}  // namespace

Result<Step> decode_step(const JsonCursor& cursor) {
  const Fields fields{cursor};
  const auto kind = TRY(fields.text("step"));
  if (kind == "add_route") return AddRoute{TRY(fields.route())};
  if (kind == "remove_route") return RemoveRoute{TRY(fields.route())};
  if (kind == "set_sysctl") {
    const auto place = TRY(fields.place());
    auto key = TRY(fields.parsed("key", Fields::parse_key));
    auto value = TRY(fields.text("value"));
    auto before = TRY(fields.optional_text("before"));
    auto along = TRY(fields.settings("along"));
    const auto taking_back = TRY(fields.flag("taking_back"));
    return SetSysctl{.place = place,
                     .key = std::move(key),
                     .value = std::move(value),
                     .before = std::move(before),
                     .along = std::move(along),
                     .taking_back = taking_back};
  }
  if (kind == "change_firewall") {
    return TRY(made_of<ChangeFirewall>(fields.parsed("table", parse_table_change),
                                       fields.elements("restore"), fields.elements("remove"),
                                       fields.elements("add")));
  }
  if (kind == "change_firewalld") {
    return TRY(made_of<ChangeFirewalld>(fields.elements("restore"), fields.elements("remove"),
                                        fields.elements("add")));
  }
  if (kind == "forget_flows") return TRY(made_of<ForgetFlows>(fields.ports(), fields.targets()));
  if (kind == "add_dns_entry") {
    return TRY(made_of<AddDnsEntry>(fields.file(), fields.container(), fields.text("header"),
                                    fields.text("entry"), fields.optional_text("header_before")));
  }
  if (kind == "replace_dns_entry") {
    return TRY(made_of<ReplaceDnsEntry>(fields.file(), fields.container(), fields.text("header"),
                                        fields.text("entry"), fields.text("header_before"),
                                        fields.text("entry_before")));
  }
  if (kind == "remove_dns_entry")
    return TRY(
        made_of<RemoveDnsEntry>(fields.file(), fields.container(), fields.optional_text("header")));
  if (kind == "set_up_plugin") return TRY(made_of<SetUpPlugin>(fields.plugin(), fields.answer()));
  if (kind == "tear_down_plugin") return TearDownPlugin{TRY(fields.plugin())};
  if (kind == "acquire_lease") {
    return AcquireLease{TRY(dhcp::decode_lease_request(TRY(cursor.at("request"))))};
  }
  if (kind == "release_lease") {
    return ReleaseLease{TRY(dhcp::decode_holder(TRY(cursor.at("holder"))))};
  }
  if (kind == "start_loopback") return StartLoopback{};
  if (kind == "stop_loopback") return StopLoopback{};
  if (kind == "serve_dns") return ServeDns{};
  if (kind == "notify_dns") return NotifyDns{};
  auto step = TRY(decode_link_step(kind, fields));
  if (!step) return cursor.failure("unknown step \"{}\"", kind.substr(0, 64));
  return *std::move(step);
}

Result<Steps> decode_steps(const JsonCursor& cursor) {
  Steps steps;
  for (const auto& element : TRY(cursor.elements())) steps.push_back(TRY(decode_step(element)));
  return steps;
}

}  // namespace burrow::netstack
