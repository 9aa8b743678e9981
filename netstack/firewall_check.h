// Whether the firewall would refuse a plan that has not begun. Reads the kernel's table and changes
// nothing.
#pragma once

#include <vector>

#include "netstack/handles.h"
#include "netstack/plan.h"

namespace burrow::netstack {

/// Looks whether elements of others are in the way of `plan`, were `ended` not there any more.
/// Errors: as the plan's own step would have, as far as lookups can tell.
Result<void> check_firewall(const Plan& plan, std::vector<firewall::Element> ended,
                            Handles& handles);

}  // namespace burrow::netstack
