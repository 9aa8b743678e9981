// The rules by which limits of containers and networks hold: lists of who may send to whom, and
// rates. A part of the fixed ruleset (ruleset.h), for this folder alone. Pure.
#pragma once

#include <string_view>
#include <vector>

#include "firewall/ruleset.h"

namespace burrow::firewall {

/// What counts every packet: in front of the acceptance of established connections, in `chain`.
std::vector<Rule> packet_rate_rules(std::string_view chain);

/// The chains that what begins something new goes through: `limits` and those it leads to.
std::vector<Rule> limit_rules();

}  // namespace burrow::firewall
