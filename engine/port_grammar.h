// What `-p` says, as values. Pure; finding free host ports is port_reservation's.
#pragma once

#include <string_view>
#include <vector>

#include "engine/container.h"

namespace burrow::engine {

/// One `[[IP:][HOST[-HOST2]]:]CTR[-CTR2][/PROTO]`; an IPv6 address stands in brackets.
/// Errors: invalid_input, naming the whole argument. Source: reference engine.md 2.2.
Result<PortRequest> parse_port(std::string_view text);

/// All `-p` of a container: exact duplicates collapse, conflicts are refused.
/// Errors: invalid_input, naming the argument or the host port.
Result<std::vector<PortRequest>> parse_ports(const std::vector<std::string>& texts);

}  // namespace burrow::engine
