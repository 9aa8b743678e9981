// What goes through published ports now, from connection tracking. Only looks.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>

#include "core/ip.h"
#include "core/port.h"
#include "core/result.h"

namespace burrow::firewall {

/// An address and port of the host that clients were led from, and where to.
struct LedPort {
  Protocol protocol = Protocol::tcp;
  IpAddress host_address;
  uint16_t host_port = 0;
  IpAddress to;
  uint16_t to_port = 0;
  friend auto operator<=>(const LedPort&, const LedPort&) = default;
};

/// The connections that are tracked, and what they carried so far: counted by the kernel only where
/// net.netfilter.nf_conntrack_acct is on.
struct PortTraffic {
  uint64_t connections = 0;
  std::optional<uint64_t> bytes_to_container;
  std::optional<uint64_t> bytes_from_container;
  /// Adds the other's; what one does not know is unknown of both.
  void add(const PortTraffic& other);
};

/// Reads all connections of the calling thread's network namespace whose destination was
/// translated: costs what connection tracking has. Errors: permission, system.
Result<std::map<LedPort, PortTraffic>> led_traffic();

}  // namespace burrow::firewall
