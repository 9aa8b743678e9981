// What a set-up needs of the whole host: our firewall table and forwarding. Pure.
#pragma once

#include <vector>

#include "netstack/plan_bridge.h"
#include "netstack/plan_part.h"

namespace burrow::netstack {

/// Nothing where none of `attachments` is on a bridge that we manage. A lost table comes back with
/// all recorded elements but those of the networks of `attachments`, which are planned anyway.
PlanPart plan_host(const std::vector<BridgeAttachment>& attachments, const Snapshot& snapshot,
                   const Settings& settings);

}  // namespace burrow::netstack
