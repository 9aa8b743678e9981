// The sockets that are open, made to follow the networks: kept where nothing changed, opened where
// an address is new, tried again where that failed.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "dns/tcp_server.h"
#include "dns/udp_server.h"

namespace burrow::dns {

class Listeners {
 public:
  Listeners(EventLoop& loop, const Authority& authority, uint16_t port);
  ~Listeners();
  Listeners(const Listeners&) = delete;
  Listeners& operator=(const Listeners&) = delete;

  /// Makes the sockets fit the zones. Returns a failure for each address that has no socket; the
  /// others serve.
  std::vector<Error> follow(const Zones& zones);
  [[nodiscard]] size_t count() const { return open_.size(); }
  /// Connections over TCP.
  [[nodiscard]] size_t connection_count() const { return connections_.count(); }

 private:
  struct Listener {
    std::vector<std::unique_ptr<UdpServer>> udp;  // each for some of the clients
    std::unique_ptr<TcpServer> tcp;
  };
  Result<Listener> open(const IpAddress& address, uint32_t network);

  EventLoop& loop_;
  const Authority& authority_;
  uint16_t port_;
  DatagramBatchPointer batch_;
  TcpConnections connections_;
  std::map<IpAddress, Listener> open_;
};

}  // namespace burrow::dns
