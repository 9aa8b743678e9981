// A container's stored parts as JSON and back. Decoding trusts nothing: files can be damaged.
#pragma once

#include "core/json.h"
#include "engine/container.h"

namespace burrow::engine {

Json encode(const ContainerSpec& spec);
/// Errors: invalid_input with the path of the field.
Result<ContainerSpec> decode_spec(const JsonCursor& cursor);

/// What was asked for on a network: addresses, MAC, aliases, limits.
Json encode_request(const Attachment& attachment);
/// Reads what `encode_request` wrote into `attachment`.
Result<void> decode_request(const JsonCursor& cursor, Attachment& attachment);

/// Mappings in the form that netstack's documents have.
Json encode(const std::vector<PortMapping>& ports);
Result<std::vector<PortMapping>> decode_ports(const JsonCursor& cursor);

}  // namespace burrow::engine
