#include "firewall/mending.h"

#include <algorithm>
#include <array>
#include <optional>

#include "firewall/ruleset.h"

namespace burrow::firewall {
namespace {

// A chain of our name that hangs elsewhere goes with what is in it: no rule of ours would be asked.
Result<std::vector<std::string>> put_missing_chains(Session& session, Messages& batch) {
  std::vector<std::string> renewed;
  const auto there = TRY(session.whole_chains());
  for (const auto& chain : all_chains()) {
    const auto found = std::ranges::find(there, chain.name, &KernelChain::name);
    if (found != there.end() && found->is_current) continue;
    if (found != there.end()) {
      put_flush_chain(batch, chain.name);
      put_delete_chain(batch, chain.name);
    }
    put_new_chain(batch, chain);
    renewed.emplace_back(chain.name);
  }
  return renewed;
}

Result<void> put_missing_sets(Session& session, Messages& batch) {
  const auto there = TRY(session.sets());
  for (const auto& shape : all_shapes()) {
    const auto found = std::ranges::find(there, shape.name, &KernelSet::name);
    if (found == there.end()) {
      put_new_set(batch, shape);
    } else if (!found->is_current) {
      return fail(Errc::unsupported,
                  "somebody put a set of another kind in the place of set \"{}\" of firewall table "
                  "\"{}\"",
                  shape.name, kTableName);
    }
  }
  return {};
}

}  // namespace

Result<void> put_missing_structure(Session& session, Messages& batch) {
  const auto renewed = TRY(put_missing_chains(session, batch));
  TRY_VOID(put_missing_sets(session, batch));
  std::array<std::optional<uint64_t>, kRuleCount> handles{};
  for (const auto& rule : TRY(session.rules())) {
    const bool goes = std::ranges::find(renewed, rule.chain) != renewed.end();
    if (rule.ordinal && !goes) handles.at(*rule.ordinal) = rule.handle;
  }
  const auto rules = all_rules();
  for (size_t i = 0; i < rules.size(); ++i) {
    if (handles.at(i)) continue;
    // Before the next one of the chain that stands: rules of others stay where they are.
    std::optional<uint64_t> before;
    for (size_t next = i + 1; next < rules.size() && !before; ++next) {
      if (rules[next].chain == rules[i].chain) before = handles.at(next);
    }
    put_new_rule(batch, rules[i], i, before);
  }
  return {};
}

}  // namespace burrow::firewall
