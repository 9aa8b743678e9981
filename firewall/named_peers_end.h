// The end of what names in lists stood for, when those who had the lists go. For this folder alone.
#pragma once

#include <set>
#include <span>

#include "core/result.h"
#include "firewall/elements.h"

namespace burrow::firewall {

class Session;

/// Who leaves the gate by `leaving`: containers by their addresses, networks by their bridges.
std::set<Field> gone_through_gate(std::span<const Element> leaving);

/// Takes out what names in lists of `owners` stand for: it must not hold for whoever has a
/// container's address next. Bound to no generation, and so to no look before: each answer of a DNS
/// server may change these sets. Without the table there is nothing to take out. Errors:
/// permission, system.
Result<void> end_named_peers(Session& session, const std::set<Field>& owners);

}  // namespace burrow::firewall
