// What netstack has to do with the DHCP proxy during one command: leases got, kept and given back.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "core/names.h"
#include "dhcp/client.h"
#include "netstack/step.h"

namespace burrow::netstack {

/// What servers granted, by network.
using GrantedLeases = std::map<NetworkName, std::vector<dhcp::Lease>>;

/// One conversation with the proxy, begun when it is needed. Leases that were not kept are given
/// back when this value goes, also by the death of this process.
class Leases {
 public:
  /// Errors, each naming network and proxy: not_found without a proxy, timeout, what the proxy
  /// says.
  Result<void> acquire(const AcquireLease& step);
  /// Keeps what was acquired. Errors: of the proxy, which gives it back then.
  Result<void> keep();
  /// Gives a lease back, if the proxy has it. What goes wrong is logged: without its link a lease
  /// ends by itself.
  void release(const ReleaseLease& step);
  [[nodiscard]] const GrantedLeases& granted() const { return granted_; }

 private:
  Result<dhcp::Client*> client();

  std::optional<dhcp::Client> client_;
  GrantedLeases granted_;
};

}  // namespace burrow::netstack
