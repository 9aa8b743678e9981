// A part of a growing plan, as the planners of hosts and networks return it. Pure.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "netstack/plan.h"

namespace burrow::netstack {

struct PlanPart {
  Steps steps;
  std::vector<RecordChange> changes;
  std::vector<std::string> warnings;
};

/// Whether a step changes a firewall or what guards it.
inline bool is_firewall(const Step& step) {
  return std::holds_alternative<ChangeFirewall>(step) ||
         std::holds_alternative<ChangeFirewalld>(step) || std::holds_alternative<JoinZone>(step) ||
         std::holds_alternative<PlaceAccepts>(step) || std::holds_alternative<RemoveAccepts>(step);
}

}  // namespace burrow::netstack
