// What others have in the firewall beside our table: looks at the chains that containers' packets
// meet, and puts rules of ours there, or takes them out. What belongs where is decided in
// accepts.h.
#pragma once

#include <set>
#include <span>
#include <string>
#include <vector>

#include "core/result.h"
#include "firewall/accepts.h"

namespace burrow::firewall {

/// Chains of others, as they are in the calling thread's network namespace. Left out are tables of
/// firewalld, which has zones for our bridges, and rules of the older iptables, which do not show
/// here. Reads the names of all chains, and rules of those alone that matter. Errors: unsupported,
/// permission, system.
Result<Neighbourhood> look_at_neighbours();

/// Whether somebody has a table of this name in the family inet. Errors: likewise.
Result<bool> has_table(const std::string& name);

/// What came of changing chains of others.
struct Placement {
  size_t added = 0;
  size_t removed = 0;
  std::set<ChainPlace> places;       ///< chains in which rules of ours stand by now
  std::vector<std::string> trouble;  ///< sentences: where nothing could be changed
};

/// Has all chains that would drop packets of these networks accept them, as plan_accepts says; one
/// transaction, or one for each table where some table refuses. Safe to repeat. Errors: changed
/// when the firewall would not hold still; as of look_at_neighbours.
Result<Placement> place_accepts(std::span<const Accepts> wanted);

/// Takes all rules of a network out of them, and nothing else; gone is fine. Errors: likewise.
Result<Placement> remove_accepts(const Accepts& accepts);

}  // namespace burrow::firewall
