// DHCPv4 messages: what a client sends, written; what servers send, read. Pure. Sources: RFC 2131,
// 2132, 3396 (long options), 3442 (classless routes), 4361 (client identifier).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/mac.h"
#include "dhcp/bytes.h"
#include "dhcp/lease.h"

namespace burrow::dhcp {

/// Option 53, RFC 2132 section 9.6.
enum class Type4 : uint8_t {
  discover = 1,
  offer = 2,
  request = 3,
  decline = 4,
  ack = 5,
  nak = 6,
  release = 7,
};

/// Who asks: the same in all messages of one client.
struct Identity4 {
  MacAddress mac;
  Buffer client_id;      ///< option 61 with its type byte; empty: left out
  std::string hostname;  ///< option 12; empty: left out
};

/// A message of ours. `transaction` pairs it with its answer.
struct Request4 {
  Type4 type = Type4::discover;
  uint32_t transaction = 0;
  uint16_t seconds_asking = 0;           ///< since the first message of this attempt
  std::optional<IpAddress> own_address;  ///< ciaddr: the address that we have and use
  std::optional<IpAddress> wish;         ///< option 50
  std::optional<IpAddress> server;       ///< option 54
};

/// The message as UDP payload, at least 300 bytes (BOOTP's size, which some relays insist on).
Buffer encode(const Request4& request, const Identity4& identity);

/// A server's message.
struct Reply4 {
  Type4 type = Type4::offer;
  uint32_t transaction = 0;
  MacAddress mac;                    ///< chaddr: whom it is for
  std::optional<IpAddress> address;  ///< yiaddr
  std::optional<IpAddress> server;   ///< option 54
  std::optional<IpAddress> netmask;  ///< option 1, as it came
  std::optional<seconds> valid;      ///< option 51
  std::optional<seconds> renew;      ///< option 58
  std::optional<seconds> rebind;     ///< option 59
  std::vector<LeaseRoute> routes;    ///< of option 121, else the first router of option 3
  std::vector<IpAddress> dns_servers;
  std::optional<std::string> domain;
  std::optional<uint32_t> mtu;
  std::string message;  ///< option 56: why not; printable
};

/// Reads a UDP payload. Options of the wrong length are left out; those that would make the whole
/// meaningless are not. Errors: invalid_input when it is no message of a server to an Ethernet
/// client, or its options overrun.
Result<Reply4> decode_reply4(Bytes payload);

/// What an OFFER or ACK grants, with times as RFC 2131 section 4.4.5 wants them. Errors:
/// invalid_input when it grants nothing that a container could use.
Result<Lease> lease_of(const Reply4& reply);

/// Option 61 by RFC 4361: 255, an identifier of the association, and a DUID made of `seed` (the
/// container's and network's names), so that a container keeps its address whatever its MAC is.
Buffer derived_client_id(std::string_view seed);
/// The DUID of RFC 6355's form (type 4, 16 bytes) that both families share.
Buffer derived_duid(std::string_view seed);
/// The association's identifier, IAID, of both families.
uint32_t derived_iaid(std::string_view seed);

}  // namespace burrow::dhcp
