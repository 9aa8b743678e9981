#include "dns/server.h"

namespace burrow::dns {

Server::Server(EventLoop& loop, Compatibility compatibility, const ServerLimits& limits,
               QueryLog::Tell tell, NameOpenings* openings)
    : loop_(loop),
      log_(std::move(tell)),
      forwarder_(loop, compatibility, limits.forwarder),
      authority_{.zones = {}, .forwarder = forwarder_, .counts = counts_},
      batch_(make_datagram_batch()),
      connections_(loop, authority_, limits.tcp) {
  if (openings == nullptr) return;
  late_replies_.emplace(loop, *openings);
  authority_.openings = openings;
  authority_.late_replies = &*late_replies_;
}

Server::~Server() = default;

void Server::serve(const Serving& serving, std::vector<AddressSockets> opened) {
  authority_.zones = serving.zones;
  std::erase_if(listeners_,
                [&](const auto& entry) { return !serving.networks.contains(entry.first); });
  for (auto& [address, listener] : listeners_) {
    const auto network = serving.networks.at(address);
    for (const auto& udp : listener.udp) udp->set_network(network);
    if (listener.tcp) listener.tcp->set_network(network);
  }
  for (auto& sockets : opened) {
    const auto network = serving.networks.at(sockets.address);
    Listener& listener = listeners_[sockets.address];
    for (auto& udp : sockets.udp) {
      listener.udp.push_back(
          std::make_unique<UdpServer>(loop_, std::move(udp), authority_, *batch_, network));
    }
    if (sockets.tcp) {
      listener.tcp =
          std::make_unique<TcpServer>(loop_, *std::move(sockets.tcp), connections_, network);
    }
  }
}

void Server::set_host_servers(std::vector<Upstream> servers) {
  forwarder_.set_host_servers(std::move(servers));
}

void Server::set_logging(Logging logging) {
  authority_.log = logging == Logging::on ? &log_ : nullptr;
}

ServerReport Server::report() const {
  return {.counts = counts_,
          .forwarding = forwarder_.counts(),
          .errands = forwarder_.errands().counts(),
          .outstanding = forwarder_.outstanding(),
          .cache_entries = forwarder_.cache().entries(),
          .cache_bytes = forwarder_.cache().bytes(),
          .connections = connections_.count(),
          .upstreams = forwarder_.errands().health().records()};
}

}  // namespace burrow::dns
