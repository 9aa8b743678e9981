// The sockets that are open, made to follow the networks: kept where nothing changed, opened where
// an address is new, tried again where that failed. Each server has its part of them.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "dns/server_threads.h"

namespace burrow::dns {

class Listeners {
 public:
  Listeners(ServerThreads& servers, uint16_t port) : servers_(servers), port_(port) {}
  Listeners(const Listeners&) = delete;
  Listeners& operator=(const Listeners&) = delete;

  /// Has the servers answer from `zones`, on sockets that fit them, before it returns. Returns a
  /// failure for each address that has no socket; the others serve.
  std::vector<Error> follow(std::shared_ptr<const Zones> zones);
  [[nodiscard]] size_t count() const { return open_.size(); }

 private:
  // Parts of an address's sockets, one per server.
  using Parts = std::vector<AddressSockets>;
  [[nodiscard]] Result<Parts> open(const IpAddress& address) const;

  ServerThreads& servers_;
  uint16_t port_;
  std::set<IpAddress> open_;
};

}  // namespace burrow::dns
