#include "netstack/plugin.h"

#include <algorithm>

#include "core/json.h"
#include "netstack/driver_options.h"
#include "netstack/port_json.h"
#include "netstack/request.h"

namespace burrow::netstack {
namespace {

constexpr size_t kLongestName = 64;
constexpr size_t kMostItems = 1024;
// Engines read our answer when we have ended: with those of other networks it must fit into a pipe.
constexpr size_t kLongestAnswer = size_t{32} << 10U;

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

Json strings(const std::vector<std::string>& values) {
  Json json = Json::array();
  for (const auto& value : values) json.push_back(value);
  return json;
}

// The list `key`, each of its strings parsed for the sake of its form; null when it is absent.
template <typename Parse>
Result<Json> checked_list(const JsonCursor& cursor, std::string_view key, Parse parse) {
  const auto member = TRY(cursor.find(key));
  if (!member) return Json{};
  Json list = Json::array();
  for (const auto& element : TRY(member->elements(kMostItems))) {
    TRY(element.parsed(parse));
    list.push_back(TRY(element.string()));
  }
  return list;
}

Result<Json> checked_address(const JsonCursor& cursor) {
  Json address{{"gateway", Json{}}};
  address["ipnet"] = TRY(TRY(cursor.at("ipnet")).string());
  TRY(TRY(cursor.at("ipnet")).parsed(IpInterface::parse));
  if (const auto gateway = TRY(cursor.find("gateway"))) {
    address["gateway"] = TRY(gateway->parsed(IpAddress::parse)).to_string();
  }
  return address;
}

Result<Json> checked_interface(const JsonCursor& cursor) {
  const auto mac = TRY(TRY(cursor.at("mac_address")).parsed(MacAddress::parse));
  Json interface {
    {"mac_address", mac.to_string()}, { "subnets", Json::array() }
  };
  if (const auto subnets = TRY(cursor.find("subnets"))) {
    for (const auto& subnet : TRY(subnets->elements(kMostItems))) {
      interface["subnets"].push_back(TRY(checked_address(subnet)));
    }
  }
  return interface;
}

Result<std::string> plain_text(std::string_view text) { return std::string{text}; }

}  // namespace

Result<void> PluginNameRule::check(std::string_view text) {
  if (text.empty()) return fail(Errc::invalid_input, "driver name is empty");
  if (text.size() > kLongestName) {
    return fail(Errc::invalid_input, "driver name is longer than {} characters: \"{}...\"",
                kLongestName, text.substr(0, 32));
  }
  const bool is_clean = std::ranges::all_of(
      text, [](char c) { return is_alphanumeric(c) || c == '_' || c == '.' || c == '-'; });
  if (!is_clean || !is_alphanumeric(text.front())) {
    return fail(Errc::invalid_input,
                "invalid characters in driver name \"{}\": must match [a-zA-Z0-9][a-zA-Z0-9_.-]*",
                text);
  }
  return {};
}

bool is_builtin_driver(std::string_view driver) { return find_driver(driver).has_value(); }

std::string_view PluginCall::name() const {
  const std::string_view path = program;
  return path.substr(path.rfind('/') + 1);
}

Result<std::string> parse_plugin_path(std::string_view text) {
  if (!text.starts_with('/') || !PluginName::parse(text.substr(text.rfind('/') + 1))) {
    return fail(Errc::invalid_input, "not the path of a plugin: \"{}\"", text.substr(0, 128));
  }
  return std::string{text};
}

std::string plugin_input(const SetupRequest& request, const AttachmentRequest& attachment) {
  Json options{{"aliases", strings(attachment.aliases)},
               {"interface_name", attachment.interface.str()},
               {"static_ips", Json{}},
               {"static_mac", attachment.mac ? Json(attachment.mac->to_string()) : Json{}},
               {"options", Json::object()}};
  if (attachment.addresses) {
    options["static_ips"] = Json::array();
    for (const auto& address : *attachment.addresses) {
      options["static_ips"].push_back(address.to_string());
    }
  }
  for (const auto& [key, value] : attachment.options) options["options"][key] = value;
  const Json document{{"container_id", request.container.str()},
                      {"container_name", request.container_name},
                      {"port_mappings", request.ports.empty() ? Json{} : encode(request.ports)},
                      {"network", encode(attachment.network)},
                      {"network_options", std::move(options)}};
  return document.dump();
}

Result<std::string> checked_plugin_answer(std::string_view text) {
  const auto document = TRY(parse_json(text));
  const JsonCursor root{document};
  Json answer;
  answer["dns_search_domains"] = TRY(checked_list(root, "dns_search_domains", plain_text));
  answer["dns_server_ips"] = TRY(checked_list(root, "dns_server_ips", IpAddress::parse));
  answer["interfaces"] = Json::object();
  if (const auto interfaces = TRY(root.find("interfaces"))) {
    for (const auto& [name, interface] : TRY(interfaces->members())) {
      if (auto parsed = LinkName::parse(name); !parsed) {
        return with_context(std::move(parsed).error(), interfaces->path());
      }
      answer["interfaces"][name] = TRY(checked_interface(interface));
    }
  }
  auto checked = answer.dump();
  if (checked.size() > kLongestAnswer) {
    return fail(Errc::invalid_input, "the answer is longer than {} bytes", kLongestAnswer);
  }
  return checked;
}

}  // namespace burrow::netstack
