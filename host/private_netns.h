// A network namespace of one's own, to try things in.
#pragma once

#include "core/result.h"
#include "host/netns.h"

namespace burrow::host {

/// A new and empty namespace, which goes with everything in it when nobody has it open any more.
/// Errors: permission, system.
Result<NetNs> make_private_netns();

}  // namespace burrow::host
