#include "dhcp/lease.h"

#include <algorithm>

namespace burrow::dhcp {
namespace {

constexpr size_t kMostEntries = 256;

bool is_domain_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

Result<seconds> decode_seconds(const JsonCursor& cursor, std::string_view key) {
  return seconds{TRY(TRY(cursor.at(key)).unsigned_integer(UINT32_MAX))};
}

Result<LeaseRoute> decode_route(const JsonCursor& cursor) {
  LeaseRoute route{.destination = TRY(TRY(cursor.at("destination")).parsed(IpNetwork::parse)),
                   .gateway = {}};
  if (const auto gateway = TRY(cursor.find("gateway"))) {
    route.gateway = TRY(gateway->parsed(IpAddress::parse));
  }
  return route;
}

}  // namespace

std::optional<IpAddress> Lease::gateway() const {
  for (const auto& route : routes) {
    if (route.destination.prefix_length() == 0) return route.gateway;
  }
  return std::nullopt;
}

Json encode(const Lease& lease) {
  Json routes = Json::array();
  for (const auto& route : lease.routes) {
    Json one{{"destination", route.destination.to_string()}};
    if (route.gateway) one["gateway"] = route.gateway->to_string();
    routes.push_back(std::move(one));
  }
  Json servers = Json::array();
  for (const auto& server : lease.dns_servers) servers.push_back(server.to_string());
  Json json{{"address", lease.address.to_string()},
            {"renew_after", lease.times.renew.count()},
            {"rebind_after", lease.times.rebind.count()},
            {"valid_for", lease.times.valid.count()},
            {"routes", std::move(routes)},
            {"dns_servers", std::move(servers)},
            {"domains", lease.domains}};
  if (lease.server) json["server"] = lease.server->to_string();
  if (lease.mtu) json["mtu"] = *lease.mtu;
  return json;
}

Result<Lease> decode_lease(const JsonCursor& cursor) {
  Lease lease{.address = TRY(TRY(cursor.at("address")).parsed(IpInterface::parse))};
  lease.times.renew = TRY(decode_seconds(cursor, "renew_after"));
  lease.times.rebind = TRY(decode_seconds(cursor, "rebind_after"));
  lease.times.valid = TRY(decode_seconds(cursor, "valid_for"));
  for (const auto& route : TRY(TRY(cursor.at("routes")).elements(kMostEntries))) {
    lease.routes.push_back(TRY(decode_route(route)));
  }
  for (const auto& server : TRY(TRY(cursor.at("dns_servers")).elements(kMostEntries))) {
    lease.dns_servers.push_back(TRY(server.parsed(IpAddress::parse)));
  }
  for (const auto& domain : TRY(TRY(cursor.at("domains")).elements(kMostEntries))) {
    lease.domains.push_back(TRY(domain.string()));
    if (!is_domain(lease.domains.back())) return domain.failure("not a domain");
  }
  if (const auto server = TRY(cursor.find("server"))) {
    lease.server = TRY(server->parsed(IpAddress::parse));
  }
  if (const auto mtu = TRY(cursor.find("mtu"))) {
    lease.mtu = static_cast<uint32_t>(TRY(mtu->unsigned_integer(UINT16_MAX)));
  }
  return lease;
}

bool is_domain(std::string_view text) {
  if (text.empty() || text.size() > 253) return false;
  while (true) {
    const auto dot = text.find('.');
    const auto label = text.substr(0, dot);
    if (label.empty() || label.size() > 63 || !std::ranges::all_of(label, is_domain_letter)) {
      return false;
    }
    if (dot == text.npos || dot + 1 == text.size()) return true;  // a closing dot is fine
    text.remove_prefix(dot + 1);
  }
}

}  // namespace burrow::dhcp
