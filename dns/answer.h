// What to do with one message: answer it, forward it or drop it. Pure: no sockets, no clock.
#pragma once

#include <span>
#include <variant>

#include "core/ip.h"
#include "dns/message.h"
#include "dns/zones.h"

namespace burrow::dns {

enum class Transport : uint8_t { udp, tcp };

/// Who asks, and where.
struct Client {
  uint32_t network = 0;  ///< index of the network whose address was asked
  IpAddress source;
  Transport transport = Transport::udp;
};

/// The first `size` bytes of the reply buffer are the reply.
struct Reply {
  size_t size = 0;
};
/// The query is for the client's upstreams.
struct Forward {
  std::span<const IpAddress> servers;  ///< of the zones; empty: the host's
};
/// The reply is ours as far as an alias, and upstream's from there (alias_chase.h).
struct Chase {
  size_t size = 0;                     ///< of the reply buffer: aliases, without OPT record
  size_t target = 0;                   ///< where in it the name is that upstream knows
  std::span<const IpAddress> servers;  ///< as of Forward
};
/// No answer: RFCs forbid one.
struct Drop {};

using Verdict = std::variant<Reply, Forward, Chase, Drop>;

/// The largest reply that `client` takes for `query`, in bytes.
size_t reply_limit(const Query& query, Transport transport);

/// Decides. `query` is filled in passing, for whoever forwards it; it refers to `message`.
/// `reply` holds at least kUdpSize bytes, for TCP as many as the reply may have.
Verdict answer(const Zones& zones, const Client& client, Bytes message, Query& query,
               std::span<uint8_t> reply);

/// A reply that says no more than `rcode`, to a query that was decoded before.
/// Returns its size in bytes.
size_t failure_reply(const Query& query, Transport transport, Rcode rcode, ExtendedError why,
                     std::span<uint8_t> reply);

}  // namespace burrow::dns
