// What networks and containers get where firewalld is the firewall driver, and what of it cannot
// be. Pure.
#pragma once

#include <optional>
#include <vector>

#include "netstack/record.h"
#include "netstack/snapshot.h"

namespace burrow::netstack {

/// Whether the driver can work at all. Errors: unsupported, with what has to be done once.
Result<void> check_firewalld_driver(const FirewalldDriverSnapshot& there);

/// What brings a network from what is on record, and stands, to `elements`; nothing where all is
/// as it should be. Errors: unsupported for what firewalld has nothing for, already_exists for what
/// another network has, invalid_input for a bridge that is in a zone of somebody else's choice.
Result<std::optional<ChangeFirewalld>> firewalld_network_change(
    const NetworkName& network, std::vector<firewall::Element> elements,
    const std::optional<NetworkRecord>& record, const FirewalldDriverSnapshot& there);

/// Whether a container's ports can be led to it. Errors: unsupported, already_exists for a port
/// that somebody else publishes, exhausted for more rules than firewalld takes in good time.
Result<void> check_firewalld_ports(const std::vector<firewall::Element>& elements,
                                   const FirewalldDriverSnapshot& there);

/// All that firewalld has for these records, to be put back.
ChangeFirewalld restored_firewalld(const std::vector<NetworkRecord>& networks,
                                   const std::vector<AttachmentRecord>& attachments);

}  // namespace burrow::netstack
