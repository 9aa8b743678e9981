// The only reader of the host: what planners need to know, asked by name so that the cost does not
// grow with what else is on the host.
#pragma once

#include <vector>

#include "netstack/dns_daemon.h"
#include "netstack/handles.h"
#include "netstack/journal.h"
#include "netstack/request.h"
#include "netstack/snapshot.h"

namespace burrow::netstack {

/// For plan_setup.
Result<Snapshot> observe_for_setup(const SetupRequest& request, Handles& handles,
                                   const Journal& journal, const DnsDaemon& dns);

/// For plan_teardown of these networks of one container.
Result<Snapshot> observe_for_teardown(const ContainerId& container,
                                      const std::vector<NetworkName>& networks, Handles& handles,
                                      const Journal& journal);

/// For plan_foreign_teardown and plan_unused_networks.
Result<Snapshot> observe_for_foreign_teardown(const SetupRequest& request, Handles& handles,
                                              const Journal& journal, const DnsDaemon& dns);

}  // namespace burrow::netstack
