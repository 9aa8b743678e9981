#include "firewall/rule_mark.h"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

#include "core/mac.h"
#include "firewall/ruleset.h"

namespace burrow::firewall {
namespace {

// Types from 0 on are nft's (libnftnl/udata.h); it skips what it does not know.
constexpr uint8_t kMarkType = 0xb0;
constexpr size_t kReleaseBytes = 4;

// Rules of another release have other numbers.
std::array<uint8_t, kReleaseBytes> release() {
  const auto hash = fnv1a(kVersionMark);
  std::array<uint8_t, kReleaseBytes> bytes{};
  for (size_t i = 0; i < bytes.size(); ++i) bytes.at(i) = static_cast<uint8_t>(hash >> (8 * i));
  return bytes;
}

bool is_chain_of_rules(std::string_view name) {
  return name != kAdminChain &&
         std::ranges::find(all_chains(), name, &Chain::name) != all_chains().end();
}

}  // namespace

static_assert(kRuleCount < 256, "the number of a rule is one byte");

std::vector<uint8_t> encode_mark(size_t ordinal) {
  std::vector<uint8_t> bytes{kMarkType, kReleaseBytes + 1};
  const auto made_by = release();
  bytes.insert(bytes.end(), made_by.begin(), made_by.end());
  bytes.push_back(static_cast<uint8_t>(ordinal));
  return bytes;
}

std::optional<size_t> decode_mark(std::span<const uint8_t> notes) {
  while (notes.size() >= 2 && notes.size() >= 2U + notes[1]) {
    const auto value = notes.subspan(2, notes[1]);
    if (notes[0] == kMarkType && value.size() == kReleaseBytes + 1 &&
        std::ranges::equal(value.first(kReleaseBytes), release()) && value.back() < kRuleCount) {
      return value.back();
    }
    notes = notes.subspan(2U + notes[1]);
  }
  return std::nullopt;
}

TableState assess(std::span<const KernelRule> rules) {
  std::array<size_t, kRuleCount> seen{};
  std::map<std::string_view, size_t> next;  // by chain: the least number that may follow
  size_t unmarked = 0;
  bool has_mark = false;
  bool has_comment = false;
  for (const auto& rule : rules) {
    if (!rule.ordinal) {
      if (is_chain_of_rules(rule.chain)) ++unmarked;
      has_comment |= rule.comment == kVersionMark;
      continue;
    }
    has_mark = true;
    auto& least = next[rule.chain];
    if (*rule.ordinal < least) return TableState::outdated;  // out of order: only renewing helps
    least = *rule.ordinal + 1;
    ++seen.at(*rule.ordinal);
  }
  if (!has_mark) {
    // Loaded by nft from a listing, which knows no marks: whole when nothing is missing.
    if (has_comment && unmarked == kRuleCount) return TableState::current;
    return unmarked == 0 ? TableState::damaged : TableState::outdated;
  }
  return std::ranges::count(seen, size_t{1}) == kRuleCount ? TableState::current
                                                           : TableState::damaged;
}

}  // namespace burrow::firewall
