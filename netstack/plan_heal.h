// What of the recorded elements is missing from the firewall. Pure.
#pragma once

#include <span>
#include <vector>

#include "firewall/elements.h"
#include "netstack/recorded_group.h"

namespace burrow::netstack {

/// By record, in its order, the elements that are missing.
using MissingGroups = std::vector<RecordedGroup>;

/// Recorded elements that are not among `standing`, which is sorted. What stands at their key for
/// somebody else counts as missing: the firewall says whose it is.
MissingGroups missing_from(std::span<const RecordedGroup* const> recorded,
                           std::span<const firewall::Element> standing);

/// Recorded elements that are among `taken`.
MissingGroups recorded_among(std::span<const RecordedGroup* const> recorded,
                             std::vector<firewall::Element> taken);

/// All of them.
std::vector<firewall::Element> elements_of(const MissingGroups& groups);

}  // namespace burrow::netstack
