// What a network needs of other firewalls' chains, where their administrator lets us put it there.
// Pure; which rules that makes in which chain is firewall/accepts.h's matter.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "netstack/plan_bridge.h"

namespace burrow::netstack {

/// What steps on record need there.
std::optional<firewall::Accepts> recorded_accepts(const Steps& steps);

/// Of all these networks.
std::vector<firewall::Accepts> recorded_accepts(std::span<const NetworkRecord> networks);

/// A warning in words, for a network whose bridge's packets are about to meet the firewall: which
/// chains are going to drop them. Nothing where none does, as far as this can be told.
std::optional<std::string> losses_within(const firewall::Neighbourhood& there,
                                         const firewall::Accepts& accepts);

/// Likewise, where `missing` has an attachment's network begin that, and no rule of ours is going
/// to accept the packets.
std::optional<std::string> losses_within(const BridgeAttachment& attachment,
                                         const Snapshot& snapshot, const Settings& settings,
                                         const Steps& missing);

/// Adds to `fresh` what the record of the network says, and to `missing` what is to be done now.
/// Without the administrator's leave what is on record stays, and nothing is done. Where chains
/// could not be read it is done all the same: the step looks again.
void plan_neighbours(const BridgeAttachment& attachment, const Snapshot& snapshot,
                     const Settings& settings, Steps& fresh, Steps& missing,
                     std::vector<std::string>& warnings);

}  // namespace burrow::netstack
