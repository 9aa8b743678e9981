#include "dns/listeners.h"

#include <map>

#include "core/log.h"
#include "dns/socket.h"

namespace burrow::dns {
namespace {

// Per address and server: a client that floods takes the place of every eighth.
constexpr size_t kUdpSockets = 8;

// Which network is asked at which address.
std::map<IpAddress, uint32_t> wanted_addresses(const Zones& zones) {
  std::map<IpAddress, uint32_t> wanted;
  for (uint32_t network = 0; network < zones.networks().size(); ++network) {
    for (const auto& address : zones.networks()[network]->listen_addresses()) {
      const auto [at, is_new] = wanted.insert({address, network});
      if (is_new) continue;
      // Nothing that a retry mends, and no reason to refuse the others their names.
      log::warn("dns", "networks \"{}\" and \"{}\" both listen on {}: only the first is served",
                zones.networks()[at->second]->name(), zones.networks()[network]->name(),
                address.to_string());
    }
  }
  return wanted;
}

}  // namespace

std::vector<Error> Listeners::follow(std::shared_ptr<const Zones> zones) {
  std::vector<Error> failures;
  Serving serving{.zones = std::move(zones), .networks = wanted_addresses(*serving.zones)};
  std::erase_if(open_, [&](const auto& address) { return !serving.networks.contains(address); });
  std::vector<Parts> opened(servers_.count());
  for (const auto& [address, network] : serving.networks) {
    if (open_.contains(address)) continue;
    auto parts = open(address);
    if (!parts) {
      failures.push_back(std::move(parts).error());
      continue;
    }
    open_.insert(address);
    for (size_t i = 0; i < parts->size(); ++i) opened[i].push_back(std::move((*parts)[i]));
    log::debug("dns", "listening on {} for \"{}\"", endpoint_text(address, port_),
               serving.zones->networks()[network]->name());
  }
  servers_.for_each(
      [&](size_t number, Server& server) { server.serve(serving, std::move(opened[number])); });
  return failures;
}

// Clients are dealt out among the servers by address, UDP and TCP alike: each client meets one
// server alone, whose limits on it hold.
Result<Listeners::Parts> Listeners::open(const IpAddress& address) const {
  const size_t count = servers_.count();
  auto udp = TRY(bind_udp(address, port_, kUdpSockets * count));
  auto tcp = TRY(listen_tcp(address, port_, count));
  Parts parts(count);
  for (size_t i = 0; i < udp.size(); ++i) parts[i % count].udp.push_back(std::move(udp[i]));
  for (size_t i = 0; i < tcp.size(); ++i) parts[i].tcp = std::move(tcp[i]);
  for (auto& part : parts) part.address = address;
  return parts;
}

}  // namespace burrow::dns
