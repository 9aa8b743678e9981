#include "netstack/record.h"

#include <algorithm>

#include "netstack/port_json.h"
#include "netstack/step_json.h"

namespace burrow::netstack {
namespace {

// Records of another version are not read: `inverse` must mean what it meant when they were made.
constexpr uint64_t kVersion = 1;
// Every port published singly, in both families, fits.
constexpr size_t kLargestRecord = 256U << 20U;

Json versioned() { return {{"version", kVersion}}; }

// Paths and names of others may hold bytes that are no UTF-8.
std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

Json optional_text(const std::optional<std::string>& text) { return text ? Json(*text) : Json(); }

Result<std::optional<std::string>> optional_text(const JsonCursor& cursor, std::string_view key) {
  const auto member = TRY(cursor.find(key));
  if (!member) return std::nullopt;
  return TRY(member->string());
}

Result<std::optional<IpAddress>> optional_address(const JsonCursor& cursor, std::string_view key) {
  const auto member = TRY(cursor.find(key));
  if (!member) return std::nullopt;
  return TRY(member->parsed(IpAddress::parse));
}

// Decodes with `read`; whatever is wrong with stored state is Errc::corrupt.
template <typename Read>
auto decode(std::string_view text, Read read) -> decltype(read(std::declval<JsonCursor>())) {
  const auto attempt = [&]() -> decltype(read(std::declval<JsonCursor>())) {
    const auto document = TRY(parse_json(text, kLargestRecord));
    const JsonCursor root{document};
    if (TRY(TRY(root.at("version")).unsigned_integer(UINT32_MAX)) != kVersion) {
      return root.failure("record of another version, expected {}", kVersion);
    }
    return read(root);
  };
  auto result = attempt();
  if (!result) result.error().code = Errc::corrupt;
  return result;
}

bool leaves_directory(std::string_view path) {
  return path == ".." || path.starts_with("../") || path.ends_with("/..") ||
         path.find("/../") != path.npos;
}

// A record's path cannot lead out of the journal's directory.
Result<std::string> parse_path(std::string_view text) {
  if (text.empty() || text.front() == '/' || leaves_directory(text)) {
    return fail(Errc::invalid_input, "not a record's path: \"{}\"", text);
  }
  return std::string{text};
}

}  // namespace

bool NetworkRecord::owns_bridge() const {
  return std::ranges::any_of(
      steps, [](const Step& step) { return std::holds_alternative<CreateBridge>(step); });
}

bool NetworkRecord::filters_vlans() const {
  return std::ranges::any_of(
      steps, [](const Step& step) { return std::holds_alternative<SetVlanFiltering>(step); });
}

bool NetworkRecord::leads_bridged_packets() const {
  return std::ranges::any_of(
      steps, [](const Step& step) { return std::holds_alternative<LeadBridgedPackets>(step); });
}

std::optional<std::string> NetworkRecord::setting(std::string_view key) const {
  std::optional<std::string> value;
  for (const auto& step : steps) {
    const auto* set = std::get_if<SetSysctl>(&step);
    if (set != nullptr && set->place == Place::host && set->key == key) value = set->value;
  }
  return value;
}

std::optional<OwnedLink> AttachmentRecord::host_link() const {
  for (const auto& step : steps) {
    if (const auto* create = std::get_if<CreateVeth>(&step)) {
      return OwnedLink{create->veth.name, create->veth.mac};
    }
  }
  return std::nullopt;
}

bool AttachmentRecord::carries(Family family) const {
  const auto wanted = family == Family::ipv4 ? '4' : '6';
  const auto publishes = [&](const firewall::Element& element) {
    const auto set = firewall::shape_of(element.set).name;
    return set.starts_with("publish") && set.size() > 7 && set[7] == wanted;
  };
  return std::ranges::any_of(elements_of(steps), publishes) ||
         std::ranges::any_of(firewalld_elements_of(steps), publishes);
}

firewall::Publication AttachmentRecord::publication() const {
  return {.container = container,
          .container_name = container_name,
          .network = network,
          .ports = ports,
          .address4 = address4,
          .address6 = address6,
          .publishing = publishing};
}

std::vector<firewall::Element> elements_of(const Steps& steps) {
  std::vector<firewall::Element> elements;
  for (const auto& step : steps) {
    if (const auto* change = std::get_if<ChangeFirewall>(&step)) {
      elements.insert(elements.end(), change->add.begin(), change->add.end());
    }
  }
  return elements;
}

std::vector<firewall::Element> firewalld_elements_of(const Steps& steps) {
  std::vector<firewall::Element> elements;
  for (const auto& step : steps) {
    if (const auto* change = std::get_if<ChangeFirewalld>(&step)) {
      elements.insert(elements.end(), change->add.begin(), change->add.end());
    }
  }
  return elements;
}

std::string host_record_path() { return "host.json"; }

std::string network_record_path(const NetworkName& network) {
  return fmt::format("networks/{}.json", network);
}

std::string attachment_record_path(const ContainerId& container, const NetworkName& network) {
  return fmt::format("attachments/{}/{}.json", container, network);
}

std::string errand_record_path(const ContainerId& container) {
  return fmt::format("errands/{}.json", container);
}

std::string encode(const HostRecord& record) {
  auto json = versioned();
  json["steps"] = encode(record.steps);
  return text_of(json);
}

std::string encode(const NetworkRecord& record) {
  auto json = versioned();
  json["network"] = record.network.str();
  json["bridge"] = record.bridge.str();
  if (!record.limits.empty()) json["limits"] = record.limits;
  json["steps"] = encode(record.steps);
  return text_of(json);
}

std::string encode(const AttachmentRecord& record) {
  auto json = versioned();
  json["container"] = record.container.str();
  json["container_name"] = record.container_name;
  json["network"] = record.network.str();
  json["interface"] = record.interface.str();
  json["netns"] = record.netns;
  json["order"] = record.order;
  if (!record.ports.empty()) json["ports"] = encode(record.ports);
  if (record.address4) json["address4"] = record.address4->to_string();
  if (record.address6) json["address6"] = record.address6->to_string();
  if (record.publishing == firewall::Publishing::host_firewall) json["publish"] = "host-firewall";
  json["steps"] = encode(record.steps);
  return text_of(json);
}

std::string encode(const PendingRecord& record) {
  auto json = versioned();
  json["command"] = record.command == PendingRecord::Command::setup ? "setup" : "teardown";
  json["netns"] = record.netns;
  json["steps"] = encode(record.steps);
  json["changes"] = Json::array();
  for (const auto& change : record.changes) {
    json["changes"].push_back({{"path", change.path},
                               {"before", optional_text(change.before)},
                               {"after", optional_text(change.after)}});
  }
  if (!record.put_back.empty()) json["put_back"] = encode(record.put_back);
  return text_of(json);
}

std::string encode(const UnfinishedRecord& record) {
  auto json = versioned();
  json["attempts"] = record.attempts;
  json["steps"] = encode(record.steps);
  return text_of(json);
}

std::string encode(const ErrandRecord& record) {
  auto json = versioned();
  json["container"] = record.container.str();
  json["netns"] = record.netns;
  json["networks"] = Json::array();
  for (const auto& network : record.networks) json["networks"].push_back(network.str());
  json["besides"] = encode(record.besides);
  return text_of(json);
}

Result<HostRecord> decode_host_record(std::string_view text) {
  return decode(text, [](const JsonCursor& root) -> Result<HostRecord> {
    return HostRecord{TRY(decode_steps(TRY(root.at("steps"))))};
  });
}

Result<NetworkRecord> decode_network_record(std::string_view text) {
  return decode(text, [](const JsonCursor& root) -> Result<NetworkRecord> {
    auto network = TRY(TRY(root.at("network")).parsed(NetworkName::parse));
    auto bridge = TRY(TRY(root.at("bridge")).parsed(LinkName::parse));
    auto steps = TRY(decode_steps(TRY(root.at("steps"))));
    NetworkRecord record{
        .network = std::move(network), .bridge = std::move(bridge), .steps = std::move(steps)};
    if (const auto limits = TRY(root.find("limits"))) {
      for (const auto& [key, value] : TRY(limits->members())) {
        record.limits[key] = TRY(value.string());
      }
    }
    return record;
  });
}

Result<AttachmentRecord> decode_attachment_record(std::string_view text) {
  return decode(text, [](const JsonCursor& root) -> Result<AttachmentRecord> {
    auto container = TRY(TRY(root.at("container")).parsed(ContainerId::parse));
    auto container_name = TRY(TRY(root.at("container_name")).string());
    auto network = TRY(TRY(root.at("network")).parsed(NetworkName::parse));
    auto interface = TRY(TRY(root.at("interface")).parsed(LinkName::parse));
    auto netns = TRY(TRY(root.at("netns")).string());
    const auto order =
        static_cast<uint32_t>(TRY(TRY(root.at("order")).unsigned_integer(UINT32_MAX)));
    auto steps = TRY(decode_steps(TRY(root.at("steps"))));
    const auto address4 = TRY(optional_address(root, "address4"));
    const auto address6 = TRY(optional_address(root, "address6"));
    AttachmentRecord record{.container = std::move(container),
                            .container_name = std::move(container_name),
                            .network = std::move(network),
                            .interface = std::move(interface),
                            .netns = std::move(netns),
                            .order = order,
                            .steps = std::move(steps),
                            .address4 = address4,
                            .address6 = address6};
    if (const auto ports = TRY(root.find("ports"))) record.ports = TRY(decode_ports(*ports));
    if (const auto publish = TRY(root.find("publish"))) {
      const auto word = TRY(publish->string());
      if (word != "host-firewall")
        return publish->failure("unknown word \"{}\"", word.substr(0, 64));
      record.publishing = firewall::Publishing::host_firewall;
    }
    return record;
  });
}

Result<PendingRecord> decode_pending_record(std::string_view text) {
  return decode(text, [](const JsonCursor& root) -> Result<PendingRecord> {
    const auto command = TRY(TRY(root.at("command")).string());
    if (command != "setup" && command != "teardown") {
      return root.failure("unknown command \"{}\"", command.substr(0, 64));
    }
    auto netns = TRY(TRY(root.at("netns")).string());
    auto steps = TRY(decode_steps(TRY(root.at("steps"))));
    PendingRecord record{.command = command == "setup" ? PendingRecord::Command::setup
                                                       : PendingRecord::Command::teardown,
                         .netns = std::move(netns),
                         .steps = std::move(steps)};
    for (const auto& change : TRY(TRY(root.at("changes")).elements())) {
      auto path = TRY(TRY(change.at("path")).parsed(parse_path));
      auto before = TRY(optional_text(change, "before"));
      auto after = TRY(optional_text(change, "after"));
      record.changes.push_back({std::move(path), std::move(before), std::move(after)});
    }
    if (const auto put_back = TRY(root.find("put_back"))) {
      record.put_back = TRY(decode_steps(*put_back));
    }
    return record;
  });
}

Result<UnfinishedRecord> decode_unfinished_record(std::string_view text) {
  return decode(text, [](const JsonCursor& root) -> Result<UnfinishedRecord> {
    auto attempts =
        static_cast<uint32_t>(TRY(TRY(root.at("attempts")).unsigned_integer(UINT32_MAX)));
    auto steps = TRY(decode_steps(TRY(root.at("steps"))));
    return UnfinishedRecord{.attempts = attempts, .steps = std::move(steps)};
  });
}

Result<ErrandRecord> decode_errand_record(std::string_view text) {
  return decode(text, [](const JsonCursor& root) -> Result<ErrandRecord> {
    auto container = TRY(TRY(root.at("container")).parsed(ContainerId::parse));
    auto netns = TRY(TRY(root.at("netns")).string());
    auto besides = TRY(decode_steps(TRY(root.at("besides"))));
    ErrandRecord record{.container = std::move(container),
                        .netns = std::move(netns),
                        .networks = {},
                        .besides = std::move(besides)};
    for (const auto& network : TRY(TRY(root.at("networks")).elements())) {
      record.networks.push_back(TRY(network.parsed(NetworkName::parse)));
    }
    return record;
  });
}

}  // namespace burrow::netstack
