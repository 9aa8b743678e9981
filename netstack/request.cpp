#include "netstack/request.h"

#include <algorithm>
#include <set>

#include "netstack/port_json.h"

namespace burrow::netstack {
namespace {

constexpr size_t kMostNetworks = 256;
constexpr size_t kMostMappings = 4096;
constexpr size_t kMostItems = 1024;  // addresses, aliases, servers of one attachment

Result<std::vector<IpAddress>> addresses(const JsonCursor& cursor) {
  std::vector<IpAddress> result;
  for (const auto& element : TRY(cursor.elements(kMostItems))) {
    result.push_back(TRY(element.parsed(IpAddress::parse)));
  }
  return result;
}

Result<MacAddress> parse_own_mac(std::string_view text) {
  const auto mac = TRY(MacAddress::parse(text));
  if (!mac.is_usable()) {
    return fail(Errc::invalid_input,
                "MAC address \"{}\" cannot be a link's own: Cannot assign requested address", text);
  }
  return mac;
}

Result<std::vector<std::string>> strings(const JsonCursor& cursor) {
  std::vector<std::string> result;
  for (const auto& element : TRY(cursor.elements(kMostItems)))
    result.push_back(TRY(element.string()));
  return result;
}

Result<void> decode_mapping(const JsonCursor& cursor, std::vector<PortMapping>& into) {
  for (const auto& mapping : TRY(decode_port(cursor))) into.push_back(mapping);
  return {};
}

// The per-network options of `networks`; `networks` is a map by name or an array with names.
struct NamedOptions {
  std::string name;
  JsonCursor options;
};

Result<std::vector<NamedOptions>> named_options(const JsonCursor& networks) {
  std::vector<NamedOptions> result;
  if (networks.value().is_array()) {
    for (auto& element : TRY(networks.elements())) {
      auto name = TRY(TRY(element.at("name")).string());
      result.push_back({std::move(name), std::move(element)});
    }
  } else {
    for (auto& [name, options] : TRY(networks.members())) {
      result.push_back({name, std::move(options)});
    }
  }
  if (result.size() > kMostNetworks) {
    return networks.failure("{} networks are more than {}", result.size(), kMostNetworks);
  }
  std::set<std::string> names;
  for (const auto& entry : result) {
    if (!names.insert(entry.name).second) {
      return networks.failure("network \"{}\" passed twice", entry.name.substr(0, 64));
    }
  }
  return result;
}

Result<AttachmentRequest> decode_attachment(const NamedOptions& entry, const JsonCursor& known) {
  const auto& options = entry.options;
  const auto network = TRY(known.find(entry.name));
  if (!network)
    return options.failure("no network_info for network \"{}\"", entry.name.substr(0, 128));
  auto definition = TRY(decode_network(*network));
  auto interface = TRY(TRY(options.at("interface_name")).parsed(LinkName::parse));
  AttachmentRequest attachment{.network = std::move(definition), .interface = std::move(interface)};
  if (attachment.network.name.str() != entry.name) {
    return network->failure("has the name \"{}\", not \"{}\"", attachment.network.name, entry.name);
  }
  if (const auto ips = TRY(options.find("static_ips"))) {
    attachment.addresses = TRY(addresses(*ips));
  }
  if (const auto mac = TRY(options.find("static_mac"))) {
    if (!TRY(mac->string()).empty()) attachment.mac = TRY(mac->parsed(parse_own_mac));
  }
  if (const auto aliases = TRY(options.find("aliases"))) {
    attachment.aliases = TRY(strings(*aliases));
  }
  if (const auto words = TRY(options.find("options"))) {
    for (const auto& [key, value] : TRY(words->members())) {
      attachment.options[key] = TRY(value.string());
    }
  }
  return attachment;
}

}  // namespace

std::vector<NetworkName> network_names(const SetupRequest& request) {
  std::vector<NetworkName> names;
  for (const auto& attachment : request.attachments) names.push_back(attachment.network.name);
  return names;
}

Result<SetupRequest> decode_setup_request(std::string_view text) {
  const auto document = TRY(parse_json(text));
  const JsonCursor root{document};
  auto container = TRY(TRY(root.at("container_id")).parsed(ContainerId::parse));
  auto container_name = TRY(TRY(root.at("container_name")).string());
  SetupRequest request{.container = std::move(container),
                       .container_name = std::move(container_name)};
  const auto known = TRY(root.at("network_info"));
  std::set<LinkName> interfaces;
  for (const auto& entry : TRY(named_options(TRY(root.at("networks"))))) {
    auto attachment = TRY(decode_attachment(entry, known));
    if (!interfaces.insert(attachment.interface).second) {
      return entry.options.failure("interface name \"{}\" is given to two networks",
                                   attachment.interface);
    }
    request.attachments.push_back(std::move(attachment));
  }
  if (const auto mappings = TRY(root.find("port_mappings"))) {
    for (const auto& element : TRY(mappings->elements(kMostMappings)))
      TRY_VOID(decode_mapping(element, request.ports));
  }
  if (const auto servers = TRY(root.find("dns_servers"))) {
    request.dns_servers = TRY(addresses(*servers));
  }
  if (const auto hostname = TRY(root.find("container_hostname"))) {
    request.hostname = TRY(hostname->string());
  }
  return request;
}

Result<TeardownRequest> decode_teardown_request(std::string_view text) {
  const auto document = TRY(parse_json(text));
  const JsonCursor root{document};
  TeardownRequest result{
      .request = {.container = TRY(TRY(root.at("container_id")).parsed(ContainerId::parse))}};
  const auto note = [&](Error error) { result.errors.push_back(std::move(error)); };
  if (const auto name = root.find("container_name"); name && *name) {
    result.request.container_name = (*name)->string().value_or("");
  }
  const auto networks = root.at("networks");
  const auto known = root.at("network_info");
  auto entries = networks ? named_options(*networks) : Failure{networks.error()};
  if (!entries) {
    note(std::move(entries).error());
    return result;
  }
  result.networks.emplace();
  for (const auto& entry : *entries) {
    if (auto name = NetworkName::parse(entry.name)) result.networks->push_back(*std::move(name));
    auto attachment = known ? decode_attachment(entry, *known) : Failure{known.error()};
    if (attachment) {
      result.request.attachments.push_back(*std::move(attachment));
    } else {
      note(std::move(attachment).error());
    }
  }
  const auto mappings = root.find("port_mappings");
  if (!mappings || !*mappings) return result;
  const auto elements = (*mappings)->elements(kMostMappings);
  if (!elements) {
    note(elements.error());
    return result;
  }
  for (const auto& element : *elements) {
    if (auto decoded = decode_mapping(element, result.request.ports); !decoded) {
      note(std::move(decoded).error());
    }
  }
  return result;
}

}  // namespace burrow::netstack
