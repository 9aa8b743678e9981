#include "firewall/ruleset.h"

#include <doctest/doctest.h>

#include <algorithm>

namespace burrow::firewall {

TEST_CASE("every rule stands in a chain and jumps to one") {
  const auto is_chain = [](std::string_view name) {
    return std::ranges::find(all_chains(), name, &Chain::name) != all_chains().end();
  };
  for (const auto& rule : all_rules()) {
    CHECK(is_chain(rule.chain));
    CHECK_FALSE(rule.expressions.empty());
    for (const auto& expression : rule.expressions) {
      if (const auto* jump = std::get_if<expression::Jump>(&expression)) {
        CHECK(is_chain(jump->chain));
      }
    }
  }
}

TEST_CASE("the first rule of the marked chain carries the version, and no other does") {
  const auto rules = all_rules();
  const auto first = std::ranges::find(rules, kMarkedChain, &Rule::chain);
  REQUIRE(first != rules.end());
  CHECK(first->comment == kVersionMark);
  CHECK(std::ranges::count(rules, kVersionMark, &Rule::comment) == 1);
}

TEST_CASE("the administrator's chain is called before anything decides, and has no rule of ours") {
  const auto rules = all_rules();
  CHECK(std::ranges::count(rules, kAdminChain, &Rule::chain) == 0);
  const auto first = std::ranges::find(rules, std::string_view{"container"}, &Rule::chain);
  REQUIRE(first != rules.end());
  const auto* jump = std::get_if<expression::Jump>(&first->expressions.front());
  REQUIRE(jump != nullptr);
  CHECK(jump->chain == kAdminChain);
}

TEST_CASE("no rule drops without having asked for one of our bridges") {
  // Chains below `forward` are entered for our bridges alone.
  for (const auto& rule : all_rules()) {
    const bool drops = std::ranges::any_of(rule.expressions, [](const Expression& one) {
      const auto* verdict = std::get_if<expression::Verdict>(&one);
      return verdict != nullptr && verdict->action == expression::Action::drop;
    });
    const bool is_below = rule.chain == "container" || rule.chain == "limits4" ||
                          rule.chain == "limits6" || rule.chain == "between" ||
                          rule.chain == "entering";
    // What it drops is for a port that leads to a container, and is led there when it comes again.
    if (!drops || is_below || rule.chain == "admission") continue;
    CHECK(std::ranges::any_of(rule.expressions, [](const Expression& one) {
      const auto* lookup = std::get_if<expression::Lookup>(&one);
      return lookup != nullptr && lookup->set == SetName::bridges;
    }));
  }
}

TEST_CASE("each direction and family asks a container's list before its network's, deny first") {
  // The sets that rules of a chain look into, in their order.
  const auto asked_by = [](std::string_view chain, std::string_view family) {
    std::vector<std::string> names;
    for (const auto& rule : all_rules()) {
      if (rule.chain != chain) continue;
      for (const auto& expression : rule.expressions) {
        const auto* lookup = std::get_if<expression::Lookup>(&expression);
        if (lookup == nullptr) continue;
        const auto name = shape_of(lookup->set).name;
        if (name.ends_with(family) || name.ends_with("_only")) names.emplace_back(name);
      }
    }
    return names;
  };
  using Names = std::vector<std::string>;
  CHECK(asked_by("egress_limits4", "4") ==
        Names{"egress_deny4", "egress_deny_named4", "egress_allow4", "egress_allow_named4",
              "egress_only4", "network_egress_deny4", "network_egress_deny_named4",
              "network_egress_allow4", "network_egress_allow_named4", "network_egress_deny4",
              "network_egress_deny_named4", "network_egress_allow4", "network_egress_allow_named4",
              "network_egress_only", "network_egress_only"});
  CHECK(asked_by("ingress_limits6", "6") ==
        Names{"ingress_deny6", "ingress_allow6", "ingress_only6", "network_ingress_deny6",
              "network_ingress_allow6", "network_ingress_only"});
}

TEST_CASE("a new connection of those who have no limits is asked five questions about them") {
  size_t questions = 0;
  for (const auto& rule : all_rules()) {
    for (const auto& expression : rule.expressions) {
      const auto* jump = std::get_if<expression::Jump>(&expression);
      const auto* next = std::get_if<expression::GoTo>(&expression);
      const auto chain = jump != nullptr ? jump->chain : next != nullptr ? next->chain : "";
      // There is one way to the lists, and what takes it does so once.
      if (chain == "limits4") CHECK((rule.chain == "gate4" && next != nullptr));
      if (rule.chain != "gate4") continue;
      questions += std::holds_alternative<expression::Lookup>(expression) ? 1 : 0;
    }
  }
  CHECK(questions == 5);
}

TEST_CASE("sets are declared in the order of their names in code") {
  REQUIRE(all_shapes().size() == kSetCount);
  for (size_t i = 0; i < kSetCount; ++i) {
    CHECK(static_cast<size_t>(all_shapes()[i].set) == i);
  }
}

}  // namespace burrow::firewall
