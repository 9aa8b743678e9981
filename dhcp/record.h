// What outlives the proxy: one record per holder of leases. Written and read as JSON; the directory
// they live in is store.h.
#pragma once

#include <optional>
#include <string>

#include "dhcp/bytes.h"
#include "dhcp/footing.h"
#include "dhcp/protocol.h"

namespace burrow::dhcp {

/// A lease that we have, and what only our next message to the server needs.
struct Held {
  Lease lease;
  Instant since;
  std::optional<MacAddress> hop;  ///< IPv4: whose frame brought the grant
  Buffer server_duid;             ///< IPv6
};

enum class Commitment : uint8_t { provisional, committed };

struct LeaseRecord {
  LeaseRequest request;
  NetNsIdentity netns;
  MacAddress mac;
  Commitment commitment = Commitment::provisional;
  std::optional<Held> ipv4;
  std::optional<Held> ipv6;

  [[nodiscard]] const std::optional<Held>& held(Family family) const {
    return family == Family::ipv4 ? ipv4 : ipv6;
  }
};

/// The record's text. `boot` is the identifier of this boot: instants mean nothing in another.
std::string encode(const LeaseRecord& record, const std::string& boot);
/// The record, or nothing when it is of another boot. Errors: corrupt.
Result<std::optional<LeaseRecord>> decode_record(std::string_view text, const std::string& boot);

}  // namespace burrow::dhcp
