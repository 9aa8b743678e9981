// Which address next? Pure: remembers nothing; the caller keeps what is taken.
#pragma once

#include <optional>
#include <set>

#include "core/ip.h"
#include "core/result.h"

namespace burrow::ipam {

/// What addresses may be handed out of. `first` and `last` narrow the subnet (a lease range);
/// bounds outside the subnet are clamped to it.
struct Pool {
  IpNetwork subnet;
  std::optional<IpAddress> gateway;
  std::optional<IpAddress> first;
  std::optional<IpAddress> last;
};

using AddressSet = std::set<IpAddress>;

/// The addresses of a pool, both ends included.
struct Range {
  IpAddress first;
  IpAddress last;
};

/// What `pool` can hand out at most: the subnet without its network address and, for IPv4, its
/// broadcast address, narrowed to the lease range. Subnets of one or two addresses have neither
/// (RFC 3021, RFC 6164). The gateway is still inside.
/// Errors: exhausted when the lease range leaves nothing of the subnet.
Result<Range> usable_range(const Pool& pool);

/// Chooses the next free address of `pool`, going round from `after`. Never the gateway, the
/// network or the broadcast address. Costs time in the number of taken addresses, not in the size
/// of the pool. Errors: exhausted, naming the range.
Result<IpAddress> allocate(const Pool& pool, const AddressSet& taken,
                           const std::optional<IpAddress>& after);

}  // namespace burrow::ipam
