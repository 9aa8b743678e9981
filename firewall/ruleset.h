// The fixed ruleset as a value: tables, sets, chains and rules that never change while Burrow runs.
// Sets and maps are in elements.h. Pure: nftables.h brings it into the kernel.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "firewall/elements.h"

namespace burrow::firewall {

constexpr std::string_view kTableName = "burrow";
constexpr std::string_view kTableComment = "container networks of burrow";
/// The administrator's chain: never flushed, except that the table goes away as a whole.
constexpr std::string_view kAdminChain = "admin";
/// The chain whose first rule carries kVersionMark as its comment.
constexpr std::string_view kMarkedChain = "forward";
/// Changes whenever chains, rules or the shape of a set change: the kernel keeps it, so that a
/// table of another release is recognised.
constexpr std::string_view kVersionMark = "burrow ruleset 7";
/// How many rules there are: each carries its number, so that a missing one is told (rule_mark.h).
constexpr size_t kRuleCount = 140;

/// 32-bit slots of the register file of nf_tables (NFT_REG32_00 and up): concatenations occupy
/// consecutive ones, links and IPv6 addresses four.
struct Register {
  uint32_t slot = 0;
};

/// One expression of a rule (net/netfilter/nft_*.c).
namespace expression {

/// Loads a key of NFT_META_*.
struct Meta {
  uint32_t key;
  Register to;
};
/// Loads bytes of a header, a base of NFT_PAYLOAD_*.
struct Payload {
  uint32_t base;
  uint32_t offset;
  uint32_t length;
  Register to;
};
/// Loads NFT_CT_STATE or NFT_CT_STATUS.
struct Conntrack {
  uint32_t key;
  Register to;
};
/// Loads the type of the destination address as the routing tables see it (RTN_*).
struct DestinationType {
  enum class On : uint8_t { any_link, incoming_link };
  Register to;
  On on = On::any_link;
};
/// Keeps the bits of `mask`.
struct Mask {
  Register at;
  std::vector<uint8_t> mask;
};
enum class Comparison : uint8_t { equal, different };
/// Ends the rule unless the register compares as said.
struct Compare {
  Register with;
  Comparison comparison;
  std::vector<uint8_t> bytes;
};
enum class Membership : uint8_t { inside, outside };
/// Ends the rule unless the key is in the set, or is not; loads the mapped value if it is a map.
struct Lookup {
  SetName set;
  Register key;
  std::optional<Register> value;
  Membership membership = Membership::inside;
};
/// Puts the key into a set of those that rules fill; ends the rule if the set is full.
struct Remember {
  SetName set;
  Register key;
};
/// Source or destination translation (NFT_NAT_SNAT, NFT_NAT_DNAT) to what the registers hold.
struct Nat {
  uint32_t type;
  Family family;
  Register address;
  std::optional<Register> port;
};
struct Masquerade {};
/// Drops the packet and tells its sender, by NFT_REJECT_TCP_RST or by an ICMP code of
/// NFT_REJECT_ICMP_UNREACH, or by one for both families of NFT_REJECT_ICMPX_UNREACH.
struct Reject {
  uint32_t type;
  uint8_t code;
};
/// `go_back` goes on behind the jump that led to the chain.
enum class Action : uint8_t { accept, drop, go_back };
struct Verdict {
  Action action;
};
struct Jump {
  std::string_view chain;
};
/// Goes on in the chain for good: behind it is what follows the jump that led here.
struct GoTo {
  std::string_view chain;
};

}  // namespace expression

using Expression =
    std::variant<expression::Meta, expression::Payload, expression::Conntrack,
                 expression::DestinationType, expression::Mask, expression::Compare,
                 expression::Lookup, expression::Remember, expression::Nat, expression::Masquerade,
                 expression::Reject, expression::Verdict, expression::Jump, expression::GoTo>;

struct Rule {
  std::string_view chain;
  std::vector<Expression> expressions;
  std::string_view comment;
};

/// Where a base chain hangs: a hook of NF_INET_*, and which chains of other tables run before it.
struct Hook {
  std::string_view type;  ///< "nat" or "filter"
  uint32_t number;
  int32_t priority;
};

struct Chain {
  std::string_view name;
  std::optional<Hook> hook;
  std::string_view comment;
};

/// All chains, base chains among them, in the order of the listing.
std::span<const Chain> all_chains();
/// All rules in order. Built on each call.
std::vector<Rule> all_rules();

}  // namespace burrow::firewall
