#include "netstack/port_json.h"

#include <algorithm>

namespace burrow::netstack {
namespace {

// Protocols of one mapping: a word, a comma list, or nothing for tcp.
Result<std::vector<Protocol>> protocols(const JsonCursor& cursor) {
  const auto text = TRY(cursor.string());
  if (text.empty()) return std::vector{Protocol::tcp};
  std::vector<Protocol> result;
  std::string_view rest = text;
  for (;;) {
    const auto comma = rest.find(',');
    auto protocol = parse_protocol(rest.substr(0, comma));
    if (!protocol) return cursor.failure("{}", protocol.error().message);
    if (std::ranges::find(result, *protocol) == result.end()) result.push_back(*protocol);
    if (comma == rest.npos) return result;
    rest.remove_prefix(comma + 1);
  }
}

}  // namespace

Json encode(const std::vector<PortMapping>& ports) {
  Json json = Json::array();
  for (const auto& port : ports) {
    json.push_back({{"host_ip", port.host_address ? port.host_address->to_string() : ""},
                    {"host_port", port.host_port},
                    {"container_port", port.container_port},
                    {"range", port.count},
                    {"protocol", to_string(port.protocol)}});
  }
  return json;
}

Result<std::vector<PortMapping>> decode_port(const JsonCursor& cursor) {
  const auto port = [&](std::string_view key) -> Result<uint16_t> {
    return static_cast<uint16_t>(TRY(TRY(cursor.at(key)).unsigned_integer(UINT16_MAX)));
  };
  PortMapping mapping;
  mapping.host_port = TRY(port("host_port"));
  mapping.container_port = TRY(port("container_port"));
  // 0 and nothing mean one port, as netavark takes them.
  mapping.count = std::max<uint16_t>(1, TRY(port("range")));
  const auto host_address = TRY(cursor.at("host_ip"));
  if (!TRY(host_address.string()).empty()) {
    mapping.host_address = TRY(host_address.parsed(IpAddress::parse));
  }
  if (const auto checked = check_ranges(mapping); !checked) {
    return cursor.failure("{}", checked.error().message);
  }
  std::vector<PortMapping> mappings;
  for (const auto protocol : TRY(protocols(TRY(cursor.at("protocol"))))) {
    mapping.protocol = protocol;
    mappings.push_back(mapping);
  }
  return mappings;
}

Result<std::vector<PortMapping>> decode_ports(const JsonCursor& cursor) {
  std::vector<PortMapping> ports;
  for (const auto& element : TRY(cursor.elements())) {
    for (const auto& port : TRY(decode_port(element))) ports.push_back(port);
  }
  return ports;
}

}  // namespace burrow::netstack
