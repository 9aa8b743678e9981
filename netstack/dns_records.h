// What a network's definition says about its names: records of its own, its domain, the order of
// addresses. Pure: options in, lines for the daemon's file out. Their grammar: docs/dns.md.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/names.h"
#include "core/port.h"
#include "netstack/network.h"

namespace burrow::netstack {

/// The lines of the network itself, from its options dns_records, dns_domain, dns_order,
/// dns_ttl and dns_forward; where an option is missing its label "burrow.dns_..." counts, since
/// engines may refuse options that they do not know. Errors: invalid_input with the option and the
/// record.
Result<std::vector<std::string>> network_dns_lines(const Network& network);

/// SRV records "_PORT._PROTOCOL.NAME" for what the container publishes, under each of its names.
/// At most 64 lines: a wide range of ports is no list of services.
std::vector<std::string> service_dns_lines(const ContainerId& container,
                                           std::span<const std::string> names,
                                           std::span<const PortMapping> ports);

}  // namespace burrow::netstack
