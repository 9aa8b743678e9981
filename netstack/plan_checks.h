// What a set-up cannot mean, beyond what each network says on its own. Pure: plans nothing.
#pragma once

#include <vector>

#include "netstack/plan.h"
#include "netstack/plan_bridge.h"

namespace burrow::netstack {

/// Whether the networks of `request` fit each other, its ports and the host. `attachments` are
/// those to bridges. Errors: invalid_input or unsupported, naming the network or the port.
Result<void> check_request(const SetupRequest& request,
                           const std::vector<BridgeAttachment>& attachments,
                           const Snapshot& snapshot);

/// The host's addresses that the network's names are served on: its gateways, or whatever the
/// bridge of an unmanaged network has.
std::vector<IpAddress> listens_on(const BridgeAttachment& attachment, const Snapshot& snapshot);

}  // namespace burrow::netstack
