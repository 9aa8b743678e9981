#include "firewall/accepts.h"

#include <netinet/in.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "core/mac.h"
#include "firewall/elements.h"
#include "firewall/policy.h"

namespace burrow::firewall {
namespace {

constexpr std::string_view kOurs = "burrow: ";
// The kernel follows no more jumps than this within each other (NFT_JUMP_STACK_SIZE).
constexpr int kDeepestJump = 16;

// nft takes comments of 128 bytes; what is cut ends in a hash of the whole.
std::string comment_of(const NetworkName& network) {
  auto text = fmt::format("{}{}", kOurs, owner_comment(network));
  if (text.size() <= kLongestOwner) return text;
  const auto hash = fmt::format("~{:08x}", fnv1a(text) & 0xffffffffU);
  return text.substr(0, kLongestOwner - hash.size()) + hash;
}

bool meets(const Accepts& accepts, TableFamily family) {
  switch (family) {
    case TableFamily::ip:
      return accepts.has_ipv4;
    case TableFamily::ip6:
      return accepts.has_ipv6;
    case TableFamily::inet:
      return true;
    case TableFamily::bridge:
      return false;
  }
  return false;
}

std::vector<AcceptRule> forward_rules(const Accepts& accepts, const std::string& comment) {
  const auto& bridge = accepts.bridge;
  // What stays on its bridge is forwarded by the host only where bridged packets meet the firewall.
  if (accepts.reach == Accepts::Reach::own_bridge) {
    return {{.in = bridge, .out = bridge, .protocol = {}, .port = {}, .comment = comment}};
  }
  return {{.in = bridge, .out = {}, .protocol = {}, .port = {}, .comment = comment},
          {.in = {}, .out = bridge, .protocol = {}, .port = {}, .comment = comment}};
}

std::vector<AcceptRule> input_rules(const Accepts& accepts, TableFamily family,
                                    const std::string& comment) {
  std::vector<AcceptRule> rules;
  const auto add = [&](uint8_t protocol, std::optional<uint16_t> port) {
    rules.push_back(
        {.in = accepts.bridge, .out = {}, .protocol = protocol, .port = port, .comment = comment});
  };
  // Neighbours find each other by ICMPv6: without the host's answers a container has no gateway.
  if (accepts.has_ipv6 && family != TableFamily::ip) add(IPPROTO_ICMPV6, {});
  if (accepts.dns_port) {
    add(IPPROTO_UDP, accepts.dns_port);
    add(IPPROTO_TCP, accepts.dns_port);
  }
  return rules;
}

// A place among the rules of one chain: before the rule of that number, or at the end.
struct Spot {
  size_t chain = 0;
  size_t rule = 0;
};

// What becomes of packets that no conditional rule decides on.
struct Fate {
  enum class Kind : uint8_t { falls_through, accepted, dropped, unknown };
  Kind kind = Kind::unknown;
  Spot spot = {};  ///< where they are dropped, or come to the end
};

// Follows the rules that apply to all packets.
class Walk {
 public:
  explicit Walk(const Neighbourhood& there) : there_(there) {
    for (size_t i = 0; i < there.chains.size(); ++i) numbers_.emplace(there.chains[i].place, i);
  }

  // Where a base chain drops, if it does.
  std::optional<Spot> drop_of(size_t base) {
    visited_.clear();
    const auto fate = fate_of(base, 0);
    if (fate.kind == Fate::Kind::dropped) return fate.spot;
    const bool is_policy =
        fate.kind == Fate::Kind::falls_through && there_.chains[base].policy == ChainPolicy::drop;
    return is_policy ? std::optional{fate.spot} : std::nullopt;
  }
  // The chains that the last base chain led to, itself included.
  [[nodiscard]] const std::set<size_t>& visited() const { return visited_; }

 private:
  Fate fate_of(size_t number, int depth) {
    const auto& chain = there_.chains[number];
    visited_.insert(number);
    if (chain.is_cut || depth > kDeepestJump) return {};
    for (size_t i = 0; i < chain.rules.size(); ++i) {
      const auto& rule = chain.rules[i];
      if (rule.is_conditional) continue;
      switch (rule.ending) {
        case ForeignRule::Ending::none:
          continue;
        case ForeignRule::Ending::accept:
          return {Fate::Kind::accepted};
        case ForeignRule::Ending::drop:
          return {Fate::Kind::dropped, {number, i}};
        case ForeignRule::Ending::go_back:
          return {Fate::Kind::falls_through, {number, i}};
        case ForeignRule::Ending::unknown:
          return {};
        case ForeignRule::Ending::jump:
        case ForeignRule::Ending::go_to:
          break;
      }
      const auto fate = fate_behind(number, i, depth);
      const bool goes_on =
          fate.kind == Fate::Kind::falls_through && rule.ending == ForeignRule::Ending::jump;
      if (!goes_on) return fate;
    }
    return {Fate::Kind::falls_through, {number, chain.rules.size()}};
  }

  // A chain that others jump to as well is none of the base chain's alone: what is accepted there
  // would be accepted for those too. The spot is before the jump then.
  Fate fate_behind(size_t number, size_t rule, int depth) {
    const auto& chain = there_.chains[number];
    auto place = chain.place;
    place.chain = chain.rules[rule].target;
    const auto target = numbers_.find(place);
    if (target == numbers_.end()) return {};
    const auto fate = fate_of(target->second, depth + 1);
    const auto& other = there_.chains[target->second];
    if (other.uses == other.rules.size() + 1) return fate;
    return {fate.kind, {number, rule}};
  }

  const Neighbourhood& there_;
  std::map<ChainPlace, size_t> numbers_;
  std::set<size_t> visited_;
};

// Rules of ours right before a spot: nothing of others comes between.
size_t first_in_place(const ForeignChain& chain, size_t rule) {
  while (rule > 0 && chain.rules[rule - 1].is_ours()) --rule;
  return rule;
}

// The growing edits of all chains.
class Editor {
 public:
  explicit Editor(const Neighbourhood& there) : there_(there) {}

  void require(const Spot& spot, const std::set<size_t>& visited,
               const std::vector<AcceptRule>& needed) {
    const auto& rules = there_.chains[spot.chain].rules;
    const auto first = first_in_place(there_.chains[spot.chain], spot.rule);
    auto& edit = edits_[spot.chain];
    for (const auto& rule : needed) {
      auto in_place = first;
      while (in_place < spot.rule && rules[in_place].accept != rule) ++in_place;
      if (in_place < spot.rule) {
        kept_.emplace(spot.chain, in_place);
      } else {
        edit.add.push_back(rule);
      }
      for (const auto number : visited) find_all(number, rule);
    }
    if (spot.rule < rules.size()) edit.before = rules[spot.rule].handle;
  }

  void remove_all(const std::vector<AcceptRule>& rules) {
    for (size_t number = 0; number < there_.chains.size(); ++number) {
      for (const auto& rule : rules) find_all(number, rule);
    }
  }

  std::vector<ChainEdit> take() {
    for (const auto& [chain, rule] : found_) {
      if (kept_.contains({chain, rule})) continue;
      edits_[chain].remove.push_back(there_.chains[chain].rules[rule].handle);
    }
    std::vector<ChainEdit> result;
    for (auto& [number, edit] : edits_) {
      if (edit.add.empty() && edit.remove.empty()) continue;
      edit.place = there_.chains[number].place;
      result.push_back(std::move(edit));
    }
    return result;
  }

 private:
  void find_all(size_t chain, const AcceptRule& wanted) {
    const auto& rules = there_.chains[chain].rules;
    for (size_t i = 0; i < rules.size(); ++i) {
      if (rules[i].accept == wanted) found_.emplace(chain, i);
    }
  }

  const Neighbourhood& there_;
  std::map<size_t, ChainEdit> edits_;
  std::set<std::pair<size_t, size_t>> found_;  // chain and rule
  std::set<std::pair<size_t, size_t>> kept_;
};

constexpr ChainHook kHooks[] = {ChainHook::input, ChainHook::forward};  // NOLINT(*-avoid-c-arrays)

// All rules that a network has in whatever chain.
std::vector<AcceptRule> all_rules_of(const Accepts& accepts) {
  std::vector<AcceptRule> all;
  for (const auto family : {TableFamily::ip, TableFamily::ip6, TableFamily::inet}) {
    for (const auto hook : kHooks) {
      for (auto& rule : rules_for(accepts, family, hook)) {
        if (std::ranges::find(all, rule) == all.end()) all.push_back(std::move(rule));
      }
    }
  }
  return all;
}

}  // namespace

std::string_view to_string(TableFamily family) {
  switch (family) {
    case TableFamily::ip:
      return "ip";
    case TableFamily::ip6:
      return "ip6";
    case TableFamily::inet:
      return "inet";
    case TableFamily::bridge:
      return "bridge";
  }
  return "?";
}

std::string to_string(const ChainPlace& place) {
  auto text = fmt::format("{} {} {}", to_string(place.family), place.table, place.chain);
  // Names of others may hold anything.
  std::ranges::replace_if(
      text, [](unsigned char byte) { return byte < ' ' || byte >= 0x7f; }, '?');
  return text;
}

std::string to_string(const AcceptRule& rule) {
  std::string text;
  const auto add = [&](std::string_view word) {
    if (!text.empty()) text += ' ';
    text += word;
  };
  if (rule.in) add(fmt::format("iifname \"{}\"", *rule.in));
  if (rule.out) add(fmt::format("oifname \"{}\"", *rule.out));
  if (rule.protocol == IPPROTO_UDP) {
    add("udp");
  } else if (rule.protocol == IPPROTO_TCP) {
    add("tcp");
  } else if (rule.protocol == IPPROTO_ICMPV6) {
    add("ipv6-icmp");
  } else if (rule.protocol) {
    add(fmt::format("protocol {}", *rule.protocol));
  }
  if (rule.port) add(fmt::format("dport {}", *rule.port));
  return text;
}

bool is_our_comment(std::string_view comment) { return comment.starts_with(kOurs); }

bool ForeignRule::is_ours() const { return accept && is_our_comment(accept->comment); }

std::vector<AcceptRule> rules_for(const Accepts& accepts, TableFamily family, ChainHook hook) {
  if (!meets(accepts, family)) return {};
  const auto comment = comment_of(accepts.network);
  return hook == ChainHook::forward ? forward_rules(accepts, comment)
                                    : input_rules(accepts, family, comment);
}

std::vector<ChainEdit> plan_accepts(const Neighbourhood& there, std::span<const Accepts> wanted) {
  Walk walk{there};
  Editor editor{there};
  for (size_t i = 0; i < there.chains.size(); ++i) {
    const auto& chain = there.chains[i];
    if (!chain.hook) continue;
    std::vector<AcceptRule> needed;
    for (const auto& accepts : wanted) {
      auto rules = rules_for(accepts, chain.place.family, *chain.hook);
      std::ranges::move(rules, std::back_inserter(needed));
    }
    if (needed.empty()) continue;
    if (const auto spot = walk.drop_of(i)) editor.require(*spot, walk.visited(), needed);
  }
  return editor.take();
}

std::vector<ChainEdit> plan_removal(const Neighbourhood& there, const Accepts& accepts) {
  Editor editor{there};
  editor.remove_all(all_rules_of(accepts));
  return editor.take();
}

Neighbourhood without(Neighbourhood there, const Accepts& accepts) {
  const auto rules = all_rules_of(accepts);
  for (auto& chain : there.chains) {
    const auto erased = std::erase_if(chain.rules, [&](const ForeignRule& rule) {
      return rule.accept && std::ranges::find(rules, *rule.accept) != rules.end();
    });
    chain.uses -= static_cast<uint32_t>(erased);
  }
  return there;
}

std::vector<std::string> obstacles(const Neighbourhood& there, std::span<const Accepts> wanted) {
  std::vector<std::string> sentences;
  Walk walk{there};
  for (size_t i = 0; i < there.chains.size(); ++i) {
    const auto& chain = there.chains[i];
    if (!chain.hook || wanted.empty()) continue;
    const auto name = to_string(chain.place);
    if (chain.place.family == TableFamily::bridge && walk.drop_of(i)) {
      sentences.push_back(
          fmt::format("chain \"{}\" drops frames of bridges and is left alone: accept those of "
                      "containers' bridges there",
                      name));
    } else if (chain.is_cut) {
      sentences.push_back(fmt::format("chain \"{}\" is left alone: it has more than {} rules", name,
                                      chain.rules.size()));
    }
  }
  return sentences;
}

std::vector<DroppingChain> dropping_chains(const Neighbourhood& there) {
  std::vector<DroppingChain> result;
  Walk walk{there};
  for (size_t i = 0; i < there.chains.size(); ++i) {
    const auto& chain = there.chains[i];
    if (!chain.hook) continue;
    const auto spot = walk.drop_of(i);
    if (!spot) continue;
    const auto is_ours = [](const ForeignRule& rule) { return rule.is_ours(); };
    DroppingChain dropping{
        .place = chain.place,
        .hook = *chain.hook,
        .is_by_policy = chain.policy == ChainPolicy::drop && spot->chain == i &&
                        spot->rule == chain.rules.size(),
        .rule_count =
            chain.rules.size() - static_cast<size_t>(std::ranges::count_if(chain.rules, is_ours)),
        .accepted = {}};
    const auto& where = there.chains[spot->chain];
    for (auto rule = first_in_place(where, spot->rule); rule < spot->rule; ++rule) {
      const auto& accept = *where.rules[rule].accept;
      if (accept.in) dropping.accepted.insert(*accept.in);
    }
    result.push_back(std::move(dropping));
  }
  return result;
}

}  // namespace burrow::firewall
