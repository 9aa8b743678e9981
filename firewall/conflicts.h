// Which elements exclude each other, and how to say so. Pure.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "core/result.h"
#include "firewall/elements.h"

namespace burrow::firewall {

/// What `wanted` runs into: already_exists with a sentence that names the port, subnet or bridge
/// and the owner of `found`.
Failure conflict(const Element& wanted, const Element& found);

/// `elements` sorted, each once. Errors: already_exists when two of them exclude each other.
/// Takes n log n for n elements.
Result<std::vector<Element>> without_conflicts(std::span<const Element> elements);

/// Where else in the ruleset something may stand that excludes an element.
struct Probes {
  /// Keys to look up; each may lie inside an interval.
  std::vector<Element> lookups;
  /// Sets to read whole and compare by overlaps().
  std::vector<SetName> scans;
};
/// The places beyond the element's own key.
Probes probes_for(const Element& element);

/// An element of a publish map claims its ports from the others of its family.
bool is_publication(SetName set);

}  // namespace burrow::firewall
