// Port mappings as JSON: in requests, in records, for plugins. Pure.
#pragma once

#include <vector>

#include "core/json.h"
#include "core/port.h"

namespace burrow::netstack {

/// The form of a request's `port_mappings`.
Json encode(const std::vector<PortMapping>& ports);

/// Reads one mapping, which stands for one of each protocol that it lists. Errors: invalid_input
/// with the path of the field.
Result<std::vector<PortMapping>> decode_port(const JsonCursor& cursor);

/// A list of them. Errors: as above.
Result<std::vector<PortMapping>> decode_ports(const JsonCursor& cursor);

}  // namespace burrow::netstack
