// DHCPv6 messages for one address: what a client sends, written; what servers send, read. Pure.
// Source: RFC 8415 sections 8, 9 and 21, RFC 3646 (DNS).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dhcp/bytes.h"
#include "dhcp/lease.h"

namespace burrow::dhcp {

/// RFC 8415 section 7.3.
enum class Type6 : uint8_t {
  solicit = 1,
  advertise = 2,
  request = 3,
  renew = 5,
  rebind = 6,
  reply = 7,
  release = 8,
};

/// RFC 8415 section 21.13; any other number is a failure, too.
enum class Status6 : uint16_t {
  success = 0,
  unspecified = 1,
  no_address = 2,
  no_binding = 3,
  not_on_link = 4,
};

/// Who asks: the same in all messages of one client.
struct Identity6 {
  Buffer duid;
  uint32_t iaid = 0;
};

/// A message of ours. `transaction` has 24 bits and pairs it with its answer.
struct Request6 {
  Type6 type = Type6::solicit;
  uint32_t transaction = 0;
  milliseconds asking{};             ///< since the first message of this exchange
  Buffer server_duid;                ///< empty: to any server
  std::optional<IpAddress> address;  ///< that we have or wish for
};

/// The message as UDP payload.
Buffer encode(const Request6& request, const Identity6& identity);

/// A server's message.
struct Reply6 {
  Type6 type = Type6::advertise;
  uint32_t transaction = 0;
  Buffer client_duid;
  Buffer server_duid;
  uint8_t preference = 0;
  Status6 status = Status6::success;  ///< the worst of the message and of our association
  std::string message;                ///< that came with it; printable
  /// Addresses of our association, /128 each: DHCPv6 knows no prefixes. Without DNS and domains.
  std::vector<Lease> addresses;
  std::vector<IpAddress> dns_servers;
  std::vector<std::string> domains;
};

/// Reads a UDP payload; only the association `iaid` is looked at. Errors: invalid_input when it is
/// no message of a server, or its options overrun.
Result<Reply6> decode_reply6(Bytes payload, uint32_t iaid);

/// What a reply grants: its first address that lives, `wish` if that is among them. Nothing when
/// there is none.
std::optional<Lease> lease_of(const Reply6& reply, const std::optional<IpAddress>& wish);

}  // namespace burrow::dhcp
