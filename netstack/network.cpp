#include "netstack/network.h"

#include <array>

#include "netstack/network_rules.h"

namespace burrow::netstack {
namespace {

constexpr size_t kMostSubnets = 256;
constexpr size_t kMostRoutes = 1024;
constexpr size_t kMostServers = 256;
constexpr std::array kRouteTypes{RouteType::unicast, RouteType::blackhole, RouteType::unreachable,
                                 RouteType::prohibit};

// A member that may be absent, parsed from its string.
template <typename Parse>
auto optional_member(const JsonCursor& cursor, std::string_view key, Parse parse)
    -> Result<std::optional<typename decltype(parse(std::string_view{}))::value_type>> {
  const auto member = TRY(cursor.find(key));
  if (!member) return std::nullopt;
  return TRY(member->parsed(parse));
}

Result<Strings> optional_strings(const JsonCursor& cursor, std::string_view key) {
  Strings strings;
  if (const auto member = TRY(cursor.find(key))) {
    for (const auto& [name, value] : TRY(member->members())) strings[name] = TRY(value.string());
  }
  return strings;
}

// Lease bounds may be empty strings in older documents.
Result<std::optional<IpAddress>> lease_bound(const JsonCursor& range, std::string_view key) {
  const auto member = TRY(range.find(key));
  if (!member || TRY(member->string()).empty()) return std::nullopt;
  return TRY(member->parsed(IpAddress::parse));
}

Result<Subnet> decode_subnet(const JsonCursor& cursor) {
  const auto prefix = TRY(TRY(cursor.at("subnet")).parsed(IpInterface::parse));
  Subnet subnet{.network = prefix.network(), .gateway = {}, .lease_range = {}};
  subnet.gateway = TRY(optional_member(cursor, "gateway", IpAddress::parse));
  if (subnet.gateway && !subnet.network.contains(*subnet.gateway)) {
    return cursor.failure("gateway {} not in subnet {}", subnet.gateway->to_string(),
                          subnet.network.to_string());
  }
  if (const auto range = TRY(cursor.find("lease_range"))) {
    subnet.lease_range =
        TRY(made_of<LeaseRange>(lease_bound(*range, "start_ip"), lease_bound(*range, "end_ip")));
  }
  return subnet;
}

Result<RouteType> parse_route_type(std::string_view text) {
  if (text.empty()) return RouteType::unicast;
  for (const auto type : kRouteTypes) {
    if (text == to_string(type)) return type;
  }
  return fail(Errc::invalid_input, "invalid route type \"{}\"", text.substr(0, 32));
}

Result<StaticRoute> decode_route(const JsonCursor& cursor) {
  const auto destination = TRY(TRY(cursor.at("destination")).parsed(IpInterface::parse));
  StaticRoute route{.destination = destination.network(), .gateway = {}, .metric = {}};
  if (route.destination.address() != destination.address) {
    return cursor.failure("route destination invalid: host bits set: \"{}\"",
                          destination.to_string());
  }
  route.type =
      TRY(optional_member(cursor, "route_type", parse_route_type)).value_or(RouteType::unicast);
  route.gateway = TRY(optional_member(cursor, "gateway", IpAddress::parse));
  if (const auto metric = TRY(cursor.find("metric"))) {
    route.metric = static_cast<uint32_t>(TRY(metric->unsigned_integer(UINT32_MAX)));
  }
  const auto text = route.destination.to_string();
  if (route.type == RouteType::unicast && !route.gateway) {
    return cursor.failure("route {} requires a gateway for type unicast", text);
  }
  if (route.type != RouteType::unicast && route.gateway) {
    return cursor.failure("route {} must not have a gateway for type {}", text,
                          to_string(route.type));
  }
  if (route.gateway && route.gateway->family() != route.destination.family()) {
    return cursor.failure("route {} has a gateway of the other family: {}", text,
                          route.gateway->to_string());
  }
  return route;
}

template <typename T>
void put_if(Json& object, const char* key, const T& value) {
  if (!value.empty()) object[key] = value;
}

Json encode(const Subnet& subnet) {
  Json json{{"subnet", subnet.network.to_string()}};
  if (subnet.gateway) json["gateway"] = subnet.gateway->to_string();
  if (subnet.lease_range) {
    Json range = Json::object();
    if (subnet.lease_range->start) range["start_ip"] = subnet.lease_range->start->to_string();
    if (subnet.lease_range->end) range["end_ip"] = subnet.lease_range->end->to_string();
    json["lease_range"] = std::move(range);
  }
  return json;
}

Json encode(const StaticRoute& route) {
  Json json{{"destination", route.destination.to_string()}};
  if (route.gateway) json["gateway"] = route.gateway->to_string();
  if (route.metric) json["metric"] = *route.metric;
  if (route.type != RouteType::unicast) json["route_type"] = to_string(route.type);
  return json;
}

}  // namespace

std::string_view to_string(RouteType type) {
  switch (type) {
    case RouteType::unicast:
      return "unicast";
    case RouteType::blackhole:
      return "blackhole";
    case RouteType::unreachable:
      return "unreachable";
    case RouteType::prohibit:
      return "prohibit";
  }
  return "?";
}

Result<Network> decode_network(const JsonCursor& cursor) {
  auto name = TRY(TRY(cursor.at("name")).parsed(NetworkName::parse));
  auto id = TRY(TRY(cursor.at("id")).string());
  auto driver = TRY(TRY(cursor.at("driver")).string());
  Network network{.name = std::move(name), .id = std::move(id), .driver = std::move(driver)};
  const auto interface = TRY(cursor.find("network_interface"));
  if (interface && !TRY(interface->string()).empty()) {
    network.interface = TRY(interface->parsed(LinkName::parse));
  }
  if (const auto created = TRY(cursor.find("created"))) network.created = TRY(created->string());
  if (const auto subnets = TRY(cursor.find("subnets"))) {
    for (const auto& subnet : TRY(subnets->elements(kMostSubnets))) {
      network.subnets.push_back(TRY(decode_subnet(subnet)));
    }
    if (auto disjoint = check_disjoint(network.subnets); !disjoint) {
      return with_context(std::move(disjoint).error(), subnets->path());
    }
  }
  if (const auto routes = TRY(cursor.find("routes"))) {
    for (const auto& route : TRY(routes->elements(kMostRoutes))) {
      network.routes.push_back(TRY(decode_route(route)));
    }
  }
  network.has_ipv6 = TRY(TRY(cursor.at("ipv6_enabled")).boolean());
  network.is_internal = TRY(TRY(cursor.at("internal")).boolean());
  network.has_dns = TRY(TRY(cursor.at("dns_enabled")).boolean());
  if (const auto servers = TRY(cursor.find("network_dns_servers"))) {
    for (const auto& server : TRY(servers->elements(kMostServers))) {
      network.dns_servers.push_back(TRY(server.parsed(IpAddress::parse)));
    }
  }
  network.labels = TRY(optional_strings(cursor, "labels"));
  network.options = TRY(optional_strings(cursor, "options"));
  network.ipam_options = TRY(optional_strings(cursor, "ipam_options"));
  return network;
}

Json encode(const Network& network) {
  Json json{{"name", network.name.str()}, {"id", network.id}, {"driver", network.driver}};
  if (network.interface) json["network_interface"] = network.interface->str();
  put_if(json, "created", network.created);
  for (const auto& subnet : network.subnets) json["subnets"].push_back(encode(subnet));
  for (const auto& route : network.routes) json["routes"].push_back(encode(route));
  json["ipv6_enabled"] = network.has_ipv6;
  json["internal"] = network.is_internal;
  json["dns_enabled"] = network.has_dns;
  for (const auto& server : network.dns_servers) {
    json["network_dns_servers"].push_back(server.to_string());
  }
  put_if(json, "labels", network.labels);
  put_if(json, "options", network.options);
  put_if(json, "ipam_options", network.ipam_options);
  return json;
}

}  // namespace burrow::netstack
