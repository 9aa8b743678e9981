// Whether somebody listens on a port already, found out by binding it. What a program binds later
// may still be refused: others need not ask us.
#pragma once

#include "core/ip.h"
#include "core/port.h"
#include "core/result.h"

namespace burrow::host {

/// Whether `protocol` (tcp or udp) at `port` of `address` could be bound now by a program that
/// shares it with nobody. The address need not be there yet. What may not be tried counts as free.
/// Errors: system.
Result<bool> is_port_free(const IpAddress& address, Protocol protocol, uint16_t port);

}  // namespace burrow::host
