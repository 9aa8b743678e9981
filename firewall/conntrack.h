// Connection tracking entries that would outlive a change of published UDP ports. Not for TCP:
// its connections end by themselves.
#pragma once

#include <cstddef>
#include <span>

#include "core/ip.h"
#include "core/port.h"
#include "core/result.h"

namespace burrow::firewall {

/// Deletes UDP entries of the calling thread's network namespace that were opened to a published
/// port of this host and do not lead to one of `targets`: such a client would go on talking to
/// where the port led before. Call after publishing with the container's addresses, after
/// withdrawing with none. Mappings of other protocols are not looked at. Returns how many were
/// deleted. Errors: permission, system.
Result<size_t> forget_udp(std::span<const PortMapping> ports, std::span<const IpAddress> targets);

}  // namespace burrow::firewall
