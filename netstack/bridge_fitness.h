// Whether a network can have the bridge that it asks for, on the host as it is: said in a sentence
// before anything is touched. Pure.
#pragma once

#include "netstack/plan_bridge.h"
#include "netstack/snapshot.h"

namespace burrow::netstack {

/// Checks a bridge that stands already, or the host for one that is to be made. What is only down
/// or lacks an address of a managed network is no error: it is made to work. Errors: already_exists
/// for a link that is no bridge, or one in another VLAN or VRF; not_found; unsupported for IPv6 on
/// a host without it.
Result<void> check_bridge(const BridgeAttachment& attachment, const NetworkSnapshot& network,
                          const Snapshot& host);

}  // namespace burrow::netstack
