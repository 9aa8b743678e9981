// What others have in the firewall beside our table: the base chains that see containers' packets.
// Only looks.
#pragma once

#include <string>
#include <vector>

#include "core/result.h"

namespace burrow::firewall {

/// Where a base chain is asked.
enum class ChainHook { input, forward, other };

/// What happens to packets that no rule of a base chain decides.
enum class ChainPolicy { accept, drop };

/// A base chain of another table.
struct ForeignChain {
  std::string family;  ///< "ip", "ip6", "inet" or "bridge"
  std::string table;
  std::string name;
  ChainHook hook = ChainHook::other;
  ChainPolicy policy = ChainPolicy::accept;
  size_t rule_count = 0;
};

/// Base chains of all tables but ours that see packets of IPv4, IPv6 or bridges, in the calling
/// thread's network namespace, sorted. Rules of the older iptables do not show here. Errors:
/// unsupported, permission, system.
Result<std::vector<ForeignChain>> foreign_base_chains();

}  // namespace burrow::firewall
