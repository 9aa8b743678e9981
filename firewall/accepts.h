// What containers need to pass in the chains of other firewalls, and where in them it belongs.
// Pure: chains as values in, changes of them out. Who reads and writes them is neighbours.h.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/names.h"

namespace burrow::firewall {

/// Whether rules of ours may be put into chains of others. The host's administrator decides.
enum class OtherFirewalls : uint8_t { leave, accept };

/// What a network needs of chains that drop what they do not know.
struct Accepts {
  /// Where its containers' packets go: through the host, or not beyond their bridge.
  enum class Reach : uint8_t { anywhere, own_bridge };
  NetworkName network;
  LinkName bridge;
  bool has_ipv4 = false;
  bool has_ipv6 = false;
  Reach reach = Reach::anywhere;
  std::optional<uint16_t> dns_port;  ///< where the host answers for names, if it does
  friend bool operator==(const Accepts&, const Accepts&) = default;
};

/// The tables that see packets of containers.
enum class TableFamily : uint8_t { ip, ip6, inet, bridge };
std::string_view to_string(TableFamily family);

/// A chain of somebody else's table.
struct ChainPlace {
  TableFamily family = TableFamily::ip;
  std::string table;
  std::string chain;
  friend auto operator<=>(const ChainPlace&, const ChainPlace&) = default;
};
/// As nft has it: "ip filter FORWARD".
std::string to_string(const ChainPlace& place);

/// One rule of ours there: what it says of a packet, which it accepts.
struct AcceptRule {
  std::optional<LinkName> in;
  std::optional<LinkName> out;
  std::optional<uint8_t> protocol;  ///< IPPROTO_*
  std::optional<uint16_t> port;     ///< that the packet goes to
  std::string comment;
  friend bool operator==(const AcceptRule&, const AcceptRule&) = default;
};
/// Without its comment: "iifname "br-web" udp dport 53".
std::string to_string(const AcceptRule& rule);

/// A rule of somebody else's chain, as far as it matters here.
struct ForeignRule {
  /// What it does with packets that it applies to; `unknown` for what neither goes on nor is
  /// decided here, as a queue to a program.
  enum class Ending : uint8_t { none, accept, drop, go_back, jump, go_to, unknown };
  uint64_t handle = 0;
  bool is_conditional = false;  ///< it does not apply to all packets, or this cannot be told
  Ending ending = Ending::none;
  std::string target;                ///< of a jump
  std::optional<AcceptRule> accept;  ///< where it says no more and no less than such a rule

  /// Whether Burrow made it, by its comment and by what it says.
  [[nodiscard]] bool is_ours() const;
};

enum class ChainHook : uint8_t { input, forward };
enum class ChainPolicy : uint8_t { accept, drop };

/// Somebody else's chain.
struct ForeignChain {
  ChainPlace place;
  std::optional<ChainHook> hook;  ///< of a base chain
  ChainPolicy policy = ChainPolicy::accept;
  uint32_t uses = 0;               ///< `rules` and the jumps to it, together
  bool is_cut = false;             ///< it has more rules than were read
  std::vector<ForeignRule> rules;  ///< of a run of those that decide nothing for all, one
};

/// Chains of others that containers' packets meet on the way to the host or through it: the base
/// chains, and those that these lead all packets to.
struct Neighbourhood {
  uint32_t generation = 0;  ///< of the firewall when it was looked at
  std::vector<ForeignChain> chains;
};

/// What is to be changed in one chain, in one transaction with all others.
struct ChainEdit {
  ChainPlace place;
  std::vector<uint64_t> remove;    ///< handles of rules of ours
  std::optional<uint64_t> before;  ///< where `add` goes: before this rule, or to the end
  std::vector<AcceptRule> add;
};

/// A base chain that drops, or rejects, what its other rules do not decide on.
struct DroppingChain {
  ChainPlace place;
  ChainHook hook = ChainHook::forward;
  bool is_by_policy = false;    ///< else a rule does it
  size_t rule_count = 0;        ///< of others, as far as `rules` has them
  std::set<LinkName> accepted;  ///< bridges that rules of ours accept there
};

/// The rules that a network needs in a chain of this family and hook; none where its packets do not
/// meet it, or nothing can be put there (bridge).
std::vector<AcceptRule> rules_for(const Accepts& accepts, TableFamily family, ChainHook hook);

/// What is missing, or stands where it does not belong, of what these networks need. A rule belongs
/// behind all rules of others, right before what would drop its packets: it overrules that alone.
std::vector<ChainEdit> plan_accepts(const Neighbourhood& there, std::span<const Accepts> wanted);

/// What takes away all rules of a network, and nothing else.
std::vector<ChainEdit> plan_removal(const Neighbourhood& there, const Accepts& accepts);

/// What of `there` is left without the rules of a network.
Neighbourhood without(Neighbourhood there, const Accepts& accepts);

/// Sentences about chains that drop packets of such networks and get no rule.
std::vector<std::string> obstacles(const Neighbourhood& there, std::span<const Accepts> wanted);

/// In the order of the chains.
std::vector<DroppingChain> dropping_chains(const Neighbourhood& there);

/// Whether a rule's comment says that Burrow made it.
bool is_our_comment(std::string_view comment);

}  // namespace burrow::firewall
