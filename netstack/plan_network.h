// What a set-up does for a network that we manage: its bridge, its firewall and its record. Pure.
#pragma once

#include "netstack/plan_bridge.h"
#include "netstack/plan_part.h"

namespace burrow::netstack {

/// Whether names are served to the containers of the attachment's network.
bool serves_dns(const BridgeAttachment& attachment, const Snapshot& snapshot);

/// What is missing of the network, and its record as it will be; nothing where all stands. Errors:
/// invalid_input when another firewall driver keeps the network, unsupported for what the driver
/// cannot do.
Result<PlanPart> plan_network(const BridgeAttachment& attachment, const Snapshot& snapshot,
                              const Settings& settings);

}  // namespace burrow::netstack
