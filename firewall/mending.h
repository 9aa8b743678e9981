// Which chains, sets and rules of the fixed ruleset a standing table lacks, as the messages that
// put them back where they belong. Not for elements: nftables.cpp compares those.
#pragma once

#include "core/result.h"
#include "firewall/messages.h"
#include "firewall/session.h"

namespace burrow::firewall {

/// Puts what is missing into `batch`, which must be bound to a generation that was read before.
/// Nothing when the table is whole. Errors: unsupported when somebody put a set of another kind in
/// the place of one of ours; system.
Result<void> put_missing_structure(Session& session, Messages& batch);

}  // namespace burrow::firewall
