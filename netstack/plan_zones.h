// Which zone of firewalld a network's bridge is to join, and what firewalld keeps from containers
// until its administrator says otherwise. Pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "netstack/record.h"
#include "netstack/snapshot.h"

namespace burrow::netstack {

/// The zone that steps on record put a bridge into.
std::optional<std::string> recorded_zone(const Steps& steps);

/// The step that a network with a firewall has on record, whether firewalld runs or not: it may
/// come later.
JoinZone zone_on_record(const LinkName& bridge, const NetworkSnapshot& there,
                        const std::optional<FirewalldSnapshot>& firewalld);
/// Whether a set-up has to carry it out: firewalld runs, has a zone for us, and the bridge is in
/// none.
bool has_to_join(const NetworkSnapshot& there, const std::optional<FirewalldSnapshot>& firewalld);

/// What is to be said of a network whose bridge joins; nothing where all is as it should be.
std::optional<std::string> zone_warning(const NetworkName& network, const LinkName& bridge,
                                        const NetworkSnapshot& there,
                                        const std::optional<FirewalldSnapshot>& firewalld);

/// A sentence for each published port that firewalld keeps closed (StrictForwardPorts), with the
/// words that open it. Ports that a zone forwards already are open.
std::vector<std::string> waiting_ports(std::span<const PortMapping> ports,
                                       const std::optional<IpAddress>& address4,
                                       const std::optional<IpAddress>& address6,
                                       const std::optional<FirewalldSnapshot>& firewalld);

}  // namespace burrow::netstack
