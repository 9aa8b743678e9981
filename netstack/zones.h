// Our bridges in firewalld's zones: looking, joining, leaving, and putting back. What belongs where
// is decided in plan_zones and firewall/firewalld_zone. Trouble with firewalld stops no container:
// it is logged, with what it means.
#pragma once

#include <span>

#include "netstack/handles.h"
#include "netstack/record.h"
#include "netstack/request.h"
#include "netstack/snapshot.h"
#include "netstack/step.h"

namespace burrow::netstack {

/// Whether a set-up asks for what its ports need of firewalld, too.
enum class PortsInFirewalld { unread, read };

/// firewalld as planners may know it; nothing where it does not run or does not answer.
std::optional<FirewalldSnapshot> observe_firewalld(FirewalldAccess& access, PortsInFirewalld ports);
/// The zone that a bridge is in; nothing for none. Errors, logged already: firewalld did not say.
Result<std::optional<std::string>> observe_zone(const LinkName& bridge, FirewalldAccess& access);

void join_zone(const JoinZone& step, FirewalldAccess& access);
void leave_zone(const LeaveZone& step, FirewalldAccess& access);

/// Puts the bridges of all networks that have a firewall on record back into their zone: after
/// firewalld was reloaded or started, which forgets them. Returns how many had to be moved.
size_t restore_zones(std::span<const NetworkRecord> networks, FirewalldAccess& access);

}  // namespace burrow::netstack
