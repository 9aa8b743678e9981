#include "netstack/status.h"

namespace burrow::netstack {
namespace {

Json encode(const Status& status) {
  Json addresses = Json::array();
  for (const auto& [address, gateway] : status.addresses) {
    addresses.push_back({{"gateway", gateway ? Json(gateway->to_string()) : Json()},
                         {"ipnet", address.to_string()}});
  }
  Json servers = Json::array();
  for (const auto& server : status.dns_servers) servers.push_back(server.to_string());
  Json interfaces = Json::object();
  interfaces[status.interface.str()] = {{"mac_address", status.mac.to_string()},
                                        {"subnets", std::move(addresses)}};
  Json search_domains = Json::array();
  for (const auto& domain : status.search_domains) search_domains.push_back(domain);
  return {{"dns_search_domains", std::move(search_domains)},
          {"dns_server_ips", std::move(servers)},
          {"interfaces", std::move(interfaces)}};
}

Result<Status> decode(const NetworkName& network, const JsonCursor& cursor) {
  const auto interfaces = TRY(TRY(cursor.at("interfaces")).members());
  if (interfaces.size() != 1) {
    return cursor.failure("expected one interface, found {}", interfaces.size());
  }
  const auto& [name, interface] = interfaces.front();
  auto link = TRY(LinkName::parse(name));
  const auto mac = TRY(TRY(interface.at("mac_address")).parsed(MacAddress::parse));
  Status status{.network = network, .interface = std::move(link), .mac = mac};
  if (const auto subnets = TRY(interface.find("subnets"))) {
    for (const auto& subnet : TRY(subnets->elements())) {
      StatusAddress address{.address = TRY(TRY(subnet.at("ipnet")).parsed(IpInterface::parse))};
      if (const auto gateway = TRY(subnet.find("gateway"))) {
        address.gateway = TRY(gateway->parsed(IpAddress::parse));
      }
      status.addresses.push_back(address);
    }
  }
  if (const auto servers = TRY(cursor.find("dns_server_ips"))) {
    for (const auto& server : TRY(servers->elements())) {
      status.dns_servers.push_back(TRY(server.parsed(IpAddress::parse)));
    }
  }
  if (const auto domains = TRY(cursor.find("dns_search_domains"))) {
    for (const auto& domain : TRY(domains->elements())) {
      status.search_domains.push_back(TRY(domain.string()));
    }
  }
  return status;
}

}  // namespace

Json encode(const std::vector<Status>& statuses) {
  Json json = Json::object();
  for (const auto& status : statuses) json[status.network.str()] = encode(status);
  return json;
}

Result<std::vector<Status>> decode_statuses(std::string_view text) {
  const auto document = TRY(parse_json(text));
  std::vector<Status> statuses;
  for (const auto& [name, cursor] : TRY(JsonCursor{document}.members())) {
    statuses.push_back(TRY(decode(TRY(NetworkName::parse(name)), cursor)));
  }
  return statuses;
}

}  // namespace burrow::netstack
