// Chains and rules of others between netlink and values, for this folder alone: as far as
// accepts.h asks about them. Nothing here sends or receives.
#pragma once

#include <optional>

#include "firewall/accepts.h"
#include "firewall/netlink.h"

struct nlmsghdr;

namespace burrow::firewall {

/// A rule, and the chain that it is in; nothing for other messages, and for families that
/// containers do not meet.
struct PlacedRule {
  ChainPlace place;
  ForeignRule rule;
};
std::optional<PlacedRule> read_foreign_rule(const nlmsghdr& message);

/// A chain without its rules; nothing for other messages, for families that containers do not meet,
/// and for chains that translate.
std::optional<ForeignChain> read_foreign_chain(const nlmsghdr& message);

/// Whether a table is ours, or one of firewalld's, which has zones for our bridges instead.
bool is_left_out(const ChainPlace& place);

void put_dump_foreign_chains(Messages& requests);
void put_dump_foreign_rules(Messages& requests, const ChainPlace& place);

/// Puts `rule` before the rule of that handle, or to the end of the chain. Its expressions are
/// those that iptables-nft makes of the same, which it therefore lists: a counter among them.
void put_accept_rule(Messages& batch, const ChainPlace& place, const AcceptRule& rule,
                     std::optional<uint64_t> before);
void put_delete_rule(Messages& batch, const ChainPlace& place, uint64_t handle);

}  // namespace burrow::firewall
