// The end of what answers put into the sets `*_named*`, for commands: the DNS daemon takes out what
// it knows of (named_peers.h), and nftables.h what belongs to a container that leaves.
#pragma once

#include <span>

#include "core/result.h"
#include "firewall/elements.h"

namespace burrow::firewall {

/// Takes out what answers put in for `owners`, addresses of containers or bridges, whatever the
/// names, in the calling thread's network namespace. Without our table there is nothing. Errors:
/// unsupported, permission, system.
Result<void> close_named(std::span<const Field> owners);

}  // namespace burrow::firewall
