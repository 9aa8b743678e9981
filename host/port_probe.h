// Whether somebody listens on a port already, and whether an address is ours, found out by binding
// it. What a program binds later may still be refused: others need not ask us.
#pragma once

#include "core/ip.h"
#include "core/port.h"
#include "core/result.h"

namespace burrow::host {

/// Whether `protocol` (tcp or udp) at `port` of `address` could be bound now by a program that
/// shares it with nobody. The address need not be there yet. What may not be tried counts as free.
/// Errors: system.
Result<bool> is_port_free(const IpAddress& address, Protocol protocol, uint16_t port);

/// Whether `address` is one of the host's, or may be bound as if it were. What may not be tried
/// counts as ours. Errors: system.
Result<bool> has_address(const IpAddress& address);

}  // namespace burrow::host
