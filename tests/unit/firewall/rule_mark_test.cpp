#include "firewall/rule_mark.h"

#include <doctest/doctest.h>

#include "firewall/ruleset.h"

namespace burrow::firewall {
namespace {

// The rules as the kernel has them after we made the table.
std::vector<KernelRule> made() {
  std::vector<KernelRule> rules;
  size_t ordinal = 0;
  for (const auto& rule : all_rules()) {
    rules.push_back({.chain = std::string{rule.chain},
                     .handle = 100 + ordinal,
                     .comment = std::string{rule.comment},
                     .ordinal = ordinal});
    ++ordinal;
  }
  return rules;
}

// The same after nft loaded them from a listing: without our numbers.
std::vector<KernelRule> loaded() {
  auto rules = made();
  for (auto& rule : rules) rule.ordinal.reset();
  return rules;
}

}  // namespace

TEST_CASE("the number of rules is the one that marks count by") {
  CHECK(all_rules().size() == kRuleCount);
}

TEST_CASE("a mark reads back, also behind a comment, and that of another release does not") {
  for (size_t ordinal = 0; ordinal < kRuleCount; ++ordinal) {
    CHECK(decode_mark(encode_mark(ordinal)) == ordinal);
  }
  std::vector<uint8_t> notes{0, 3, 'h', 'i', 0};
  CHECK_FALSE(decode_mark(notes));
  const auto mark = encode_mark(7);
  notes.insert(notes.end(), mark.begin(), mark.end());
  CHECK(decode_mark(notes) == 7);
  notes[7] ^= 1;
  CHECK_FALSE(decode_mark(notes));
  CHECK_FALSE(decode_mark({}));
  for (size_t length = 0; length < mark.size(); ++length) {
    CHECK_FALSE(decode_mark(std::span{mark}.first(length)));
  }
  auto past_the_end = encode_mark(0);
  past_the_end.back() = static_cast<uint8_t>(kRuleCount);
  CHECK_FALSE(decode_mark(past_the_end));
}

TEST_CASE("a table is current with all rules, damaged with any one missing") {
  const auto whole = made();
  CHECK(assess(whole) == TableState::current);
  for (size_t i = 0; i < whole.size(); ++i) {
    auto rules = whole;
    rules.erase(rules.begin() + static_cast<std::ptrdiff_t>(i));
    CHECK(assess(rules) == TableState::damaged);
  }
  CHECK(assess({}) == TableState::damaged);
}

TEST_CASE("rules of others in our chains and in admin change nothing") {
  auto rules = made();
  rules.insert(rules.begin() + 3, {.chain = rules[3].chain, .handle = 1});
  rules.push_back({.chain = "admin", .handle = 2});
  CHECK(assess(rules) == TableState::current);
  rules.erase(rules.begin());
  CHECK(assess(rules) == TableState::damaged);
}

TEST_CASE("rules of a chain in another order have to be renewed") {
  auto rules = made();
  std::swap(rules[rules.size() - 1], rules[rules.size() - 2]);
  CHECK(assess(rules) == TableState::outdated);
}

TEST_CASE("a table that nft loaded from a listing is current while no rule is missing") {
  auto rules = loaded();
  CHECK(assess(rules) == TableState::current);
  rules.pop_back();
  CHECK(assess(rules) == TableState::outdated);
}

TEST_CASE("a table whose rules are of another release is outdated, an emptied one damaged") {
  const std::vector<KernelRule> others{{.chain = "forward", .comment = "burrow ruleset 0"}};
  CHECK(assess(others) == TableState::outdated);
  const std::vector<KernelRule> administrators{{.chain = "admin"}, {.chain = "mine"}};
  CHECK(assess(administrators) == TableState::damaged);
}

}  // namespace burrow::firewall
