#include "engine/container_json.h"

namespace burrow::engine {
namespace {

template <typename Parse>
auto list_of(const JsonCursor& cursor, std::string_view key, Parse parse)
    -> Result<std::vector<typename decltype(parse(std::string_view{}))::value_type>> {
  std::vector<typename decltype(parse(std::string_view{}))::value_type> values;
  for (const auto& element : TRY(TRY(cursor.at(key)).elements())) {
    values.push_back(TRY(element.parsed(parse)));
  }
  return values;
}

Result<std::string> any_text(std::string_view text) { return std::string{text}; }

Json texts(const std::vector<IpAddress>& addresses) {
  Json list = Json::array();
  for (const auto& address : addresses) list.push_back(address.to_string());
  return list;
}

Result<bool> flag(const JsonCursor& cursor, std::string_view key) {
  return TRY(cursor.at(key)).boolean();
}

Result<uint16_t> port_at(const JsonCursor& cursor, std::string_view key) {
  return static_cast<uint16_t>(TRY(TRY(cursor.at(key)).unsigned_integer(UINT16_MAX)));
}

Result<std::optional<IpAddress>> host_address(const JsonCursor& cursor) {
  const auto member = TRY(cursor.find("host_ip"));
  if (!member || TRY(member->string()).empty()) return std::nullopt;
  return TRY(member->parsed(IpAddress::parse));
}

Json encode(const PortRequest& port) {
  return {{"host_ip", port.host_address ? port.host_address->to_string() : ""},
          {"container_port", port.container_port},
          {"host_port", port.host_port.value_or(0)},
          {"range", port.count},
          {"protocol", to_string(port.protocol)}};
}

Result<PortRequest> decode_port(const JsonCursor& cursor) {
  auto address = TRY(host_address(cursor));
  const auto host_port = TRY(port_at(cursor, "host_port"));
  const auto container_port = TRY(port_at(cursor, "container_port"));
  const auto count = TRY(port_at(cursor, "range"));
  const auto protocol = TRY(TRY(cursor.at("protocol")).parsed(parse_protocol));
  PortRequest port{.host_address = std::move(address),
                   .host_port = host_port,
                   .container_port = container_port,
                   .count = count,
                   .protocol = protocol};
  // The document's "none" is zero; ours is nothing.
  if (port.host_port == 0) port.host_port.reset();
  return port;
}

Result<std::vector<PortRequest>> decode_requests(const JsonCursor& cursor) {
  std::vector<PortRequest> ports;
  for (const auto& element : TRY(cursor.elements())) ports.push_back(TRY(decode_port(element)));
  return ports;
}

Result<HostEntry> decode_host(const JsonCursor& cursor) {
  HostEntry entry{.names = TRY(list_of(cursor, "names", any_text)), .address = {}};
  if (const auto address = TRY(cursor.find("address"))) {
    entry.address = TRY(address->parsed(IpAddress::parse));
  }
  return entry;
}

}  // namespace

Json encode(const ContainerSpec& spec) {
  Json ports = Json::array();
  for (const auto& port : spec.ports) ports.push_back(encode(port));
  Json hosts = Json::array();
  for (const auto& entry : spec.hosts) {
    Json host{{"names", entry.names}};
    if (entry.address) host["address"] = entry.address->to_string();
    hosts.push_back(std::move(host));
  }
  return {{"command", spec.command},
          {"environment", spec.environment},
          {"rootfs", spec.rootfs},
          {"hostname", spec.hostname},
          {"has_own_hostname", spec.has_own_hostname},
          {"ports", std::move(ports)},
          {"dns_servers", texts(spec.dns_servers)},
          {"hosts", std::move(hosts)},
          {"removes_itself", spec.removes_itself},
          {"is_detached", spec.is_detached},
          {"reads_stdin", spec.reads_stdin}};
}

Result<ContainerSpec> decode_spec(const JsonCursor& cursor) {
  auto command = TRY(list_of(cursor, "command", any_text));
  auto environment = TRY(list_of(cursor, "environment", any_text));
  auto rootfs = TRY(TRY(cursor.at("rootfs")).string());
  auto hostname = TRY(TRY(cursor.at("hostname")).string());
  const auto has_own_hostname = TRY(flag(cursor, "has_own_hostname"));
  auto ports = TRY(decode_requests(TRY(cursor.at("ports"))));
  auto dns_servers = TRY(list_of(cursor, "dns_servers", IpAddress::parse));
  const auto removes_itself = TRY(flag(cursor, "removes_itself"));
  const auto is_detached = TRY(flag(cursor, "is_detached"));
  const auto reads_stdin = TRY(flag(cursor, "reads_stdin"));
  ContainerSpec spec{.command = std::move(command),
                     .environment = std::move(environment),
                     .rootfs = std::move(rootfs),
                     .hostname = std::move(hostname),
                     .has_own_hostname = has_own_hostname,
                     .ports = std::move(ports),
                     .dns_servers = std::move(dns_servers),
                     .hosts = {},
                     .removes_itself = removes_itself,
                     .is_detached = is_detached,
                     .reads_stdin = reads_stdin};
  for (const auto& host : TRY(TRY(cursor.at("hosts")).elements())) {
    spec.hosts.push_back(TRY(decode_host(host)));
  }
  return spec;
}

Json encode_request(const Attachment& attachment) {
  Json request{{"static_ips", texts(attachment.requested_addresses)},
               {"aliases", attachment.aliases}};
  if (!attachment.limits.empty()) request["limits"] = attachment.limits;
  if (attachment.requested_mac) request["static_mac"] = attachment.requested_mac->to_string();
  return request;
}

Result<void> decode_request(const JsonCursor& cursor, Attachment& attachment) {
  attachment.requested_addresses = TRY(list_of(cursor, "static_ips", IpAddress::parse));
  attachment.aliases = TRY(list_of(cursor, "aliases", any_text));
  if (const auto limits = TRY(cursor.find("limits"))) {
    for (const auto& [key, word] : TRY(limits->members())) {
      attachment.limits[std::string{key}] = TRY(word.string());
    }
  }
  if (const auto mac = TRY(cursor.find("static_mac"))) {
    attachment.requested_mac = TRY(mac->parsed(MacAddress::parse));
  }
  return {};
}

Json encode(const std::vector<PortMapping>& ports) {
  Json list = Json::array();
  for (const auto& port : ports) {
    list.push_back(encode(PortRequest{.host_address = port.host_address,
                                      .host_port = port.host_port,
                                      .container_port = port.container_port,
                                      .count = port.count,
                                      .protocol = port.protocol}));
  }
  return list;
}

Result<std::vector<PortMapping>> decode_ports(const JsonCursor& cursor) {
  std::vector<PortMapping> ports;
  for (const auto& request : TRY(decode_requests(cursor))) {
    PortMapping port{.host_address = request.host_address,
                     .host_port = request.host_port.value_or(0),
                     .container_port = request.container_port,
                     .count = request.count,
                     .protocol = request.protocol};
    TRY_VOID(check_ranges(port));
    ports.push_back(port);
  }
  return ports;
}

}  // namespace burrow::engine
