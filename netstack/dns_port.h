// On which port the DNS daemon serves: 53, unless another program has that port of a gateway. Then
// the firewall leads questions to the one chosen here.
#pragma once

#include "netstack/dns_daemon.h"
#include "netstack/journal.h"
#include "netstack/plan.h"

namespace burrow::netstack {

/// The port for the networks of `request`: the one that was asked for (`dns.port`), the one where
/// the daemon serves already, or the first of those on record, 53 and a few others that is free on
/// all of their gateways. Without a firewall of ours it is 53: nothing could lead to another.
/// Errors: of the journal.
Result<uint16_t> choose_dns_port(const SetupRequest& request, const DnsDaemon& dns,
                                 FirewallDriver firewall, const Journal& journal);

}  // namespace burrow::netstack
