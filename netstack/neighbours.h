// Rules of ours in chains of other firewalls: put there, taken out and put back as steps and
// records say. What belongs where is decided in firewall/accepts.h. A chain where nothing can be
// put stops no container: it is logged.
#pragma once

#include <span>

#include "core/result.h"
#include "netstack/record.h"
#include "netstack/step.h"

namespace burrow::netstack {

void open_neighbours(const PlaceAccepts& step);
/// Errors: what could not be taken out, so that it is tried again.
Result<void> close_neighbours(const RemoveAccepts& step);

/// Puts back what is missing of what these networks have on record. How many rules were put back.
/// Nothing is looked at where they have none. Errors: as of firewall::place_accepts.
Result<size_t> reopen_neighbours(std::span<const NetworkRecord> networks);

}  // namespace burrow::netstack
