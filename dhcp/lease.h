// What DHCP servers grant, as values and as JSON. No clock and no socket.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/ip.h"
#include "core/json.h"
#include "core/mac.h"
#include "dhcp/boot_clock.h"

namespace burrow::dhcp {

/// A lease that does not end (RFC 2131 section 3.3, RFC 8415 section 7.7).
constexpr seconds kForever{0xffffffffU};

/// How long an address is ours, counted from the moment of asking.
struct Times {
  seconds renew{};   ///< T1: ask the server that granted it
  seconds rebind{};  ///< T2: ask any server
  seconds valid{};   ///< the end; kForever for none
  friend bool operator==(const Times&, const Times&) = default;
};

/// A route that came with a lease. Without gateway: the destination is on the link.
struct LeaseRoute {
  IpNetwork destination;
  std::optional<IpAddress> gateway;
  friend bool operator==(const LeaseRoute&, const LeaseRoute&) = default;
};

/// What one server granted for one family.
struct Lease {
  IpInterface address;
  Times times;
  std::optional<IpAddress> server;  ///< IPv4: its identifier, which is its address
  /// IPv4: the default router and the routes, by RFC 3442 where the server speaks it. Never IPv6:
  /// routers there announce themselves.
  std::vector<LeaseRoute> routes;
  std::vector<IpAddress> dns_servers;
  std::vector<std::string> domains;  ///< to search names in
  std::optional<uint32_t> mtu;
  friend bool operator==(const Lease&, const Lease&) = default;

  /// The gateway of the default route.
  [[nodiscard]] std::optional<IpAddress> gateway() const;
};

/// Writes and reads a lease. Errors: invalid_input with the path.
Json encode(const Lease& lease);
Result<Lease> decode_lease(const JsonCursor& cursor);

/// Whether `text` can stand in a resolver's search list: dotted labels of letters, digits, '-' and
/// '_', at most 253 bytes. Servers are strangers: anything else from them is left out.
bool is_domain(std::string_view text);

}  // namespace burrow::dhcp
