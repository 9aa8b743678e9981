// What servers granted, brought together with what was planned for the answer. Pure.
#pragma once

#include <map>
#include <vector>

#include "core/names.h"
#include "dhcp/lease.h"
#include "netstack/status.h"

namespace burrow::netstack {

/// The status with its network's leases: their addresses and gateways; their DNS servers and
/// domains where nobody else has named any.
Status with_leases(Status status, const std::vector<dhcp::Lease>& leases);

}  // namespace burrow::netstack
