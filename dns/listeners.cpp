#include "dns/listeners.h"

#include "core/log.h"
#include "dns/socket.h"

namespace burrow::dns {
namespace {

// Per address: a client that floods takes the place of every eighth.
constexpr size_t kUdpSockets = 8;

}  // namespace

Listeners::Listeners(EventLoop& loop, const Authority& authority, uint16_t port)
    : loop_(loop),
      authority_(authority),
      port_(port),
      batch_(make_datagram_batch()),
      connections_(loop, authority) {}

Listeners::~Listeners() = default;

std::vector<Error> Listeners::follow(const Zones& zones) {
  std::vector<Error> failures;
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
  std::erase_if(open_, [&](const auto& entry) { return !wanted.contains(entry.first); });
  for (const auto& [address, network] : wanted) {
    if (const auto listener = open_.find(address); listener != open_.end()) {
      for (const auto& udp : listener->second.udp) udp->set_network(network);
      listener->second.tcp->set_network(network);
      continue;
    }
    auto opened = open(address, network);
    if (!opened) {
      failures.push_back(std::move(opened).error());
      continue;
    }
    open_.emplace(address, *std::move(opened));
    log::debug("dns", "listening on {} for \"{}\"", endpoint_text(address, port_),
               zones.networks()[network]->name());
  }
  return failures;
}

Result<Listeners::Listener> Listeners::open(const IpAddress& address, uint32_t network) {
  auto sockets = TRY(bind_udp(address, port_, kUdpSockets));
  auto tcp = TRY(listen_tcp(address, port_));
  Listener listener;
  for (auto& socket : sockets) {
    listener.udp.push_back(
        std::make_unique<UdpServer>(loop_, std::move(socket), authority_, *batch_, network));
  }
  listener.tcp = std::make_unique<TcpServer>(loop_, std::move(tcp), connections_, network);
  return listener;
}

}  // namespace burrow::dns
