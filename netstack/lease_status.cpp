#include "netstack/lease_status.h"

#include <algorithm>

namespace burrow::netstack {
namespace {

template <typename Value>
void add(std::vector<Value>& to, const std::vector<Value>& more) {
  for (const auto& value : more) {
    if (std::ranges::find(to, value) == to.end()) to.push_back(value);
  }
}

}  // namespace

Status with_leases(Status status, const std::vector<dhcp::Lease>& leases) {
  const bool wants_servers = status.dns_servers.empty();
  const bool wants_domains = status.search_domains.empty();
  for (const auto& lease : leases) {
    status.addresses.push_back({lease.address, lease.gateway()});
    if (wants_servers) add(status.dns_servers, lease.dns_servers);
    if (wants_domains) add(status.search_domains, lease.domains);
  }
  return status;
}

}  // namespace burrow::netstack
