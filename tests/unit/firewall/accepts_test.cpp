// Where in the chains of others a rule of ours belongs.
#include "firewall/accepts.h"

#include <doctest/doctest.h>
#include <netinet/in.h>

using namespace burrow;
using namespace burrow::firewall;

namespace {

using Ending = ForeignRule::Ending;

Accepts front() {
  return {.network = *NetworkName::parse("front"),
          .bridge = *LinkName::parse("br-front"),
          .has_ipv4 = true,
          .has_ipv6 = true,
          .reach = Accepts::Reach::anywhere,
          .dns_port = 53};
}

ForeignRule rule(uint64_t handle, Ending ending, std::string target = {}) {
  return {.handle = handle,
          .is_conditional = false,
          .ending = ending,
          .target = std::move(target),
          .accept = {}};
}

ForeignRule condition(uint64_t handle, Ending ending = Ending::accept) {
  auto made = rule(handle, ending);
  made.is_conditional = true;
  return made;
}

ForeignRule ours(uint64_t handle, AcceptRule accept) {
  auto made = condition(handle);
  made.accept = std::move(accept);
  return made;
}

ForeignChain chain(std::string name, std::vector<ForeignRule> rules, uint32_t jumps = 0) {
  const auto uses = static_cast<uint32_t>(rules.size()) + jumps;
  return {.place = {.family = TableFamily::ip, .table = "filter", .chain = std::move(name)},
          .hook = {},
          .policy = ChainPolicy::accept,
          .uses = uses,
          .is_cut = false,
          .rules = std::move(rules)};
}

ForeignChain forward(ChainPolicy policy, std::vector<ForeignRule> rules) {
  auto made = chain("FORWARD", std::move(rules));
  made.hook = ChainHook::forward;
  made.policy = policy;
  return made;
}

std::vector<ChainEdit> plan(std::vector<ForeignChain> chains) {
  const auto wanted = front();
  return plan_accepts({.generation = 1, .chains = std::move(chains)}, {&wanted, 1});
}

std::vector<AcceptRule> forward_rules() {
  return rules_for(front(), TableFamily::ip, ChainHook::forward);
}

}  // namespace

TEST_CASE("a network needs its bridge in both directions, and the host's names and neighbours") {
  const auto texts = [](const Accepts& accepts, TableFamily family, ChainHook hook) {
    std::string text;
    for (const auto& one : rules_for(accepts, family, hook)) text += to_string(one) + "; ";
    return text;
  };
  auto accepts = front();
  CHECK(texts(accepts, TableFamily::ip, ChainHook::forward) ==
        "iifname \"br-front\"; oifname \"br-front\"; ");
  CHECK(texts(accepts, TableFamily::ip, ChainHook::input) ==
        "iifname \"br-front\" udp dport 53; iifname \"br-front\" tcp dport 53; ");
  CHECK(texts(accepts, TableFamily::inet, ChainHook::input) ==
        "iifname \"br-front\" ipv6-icmp; iifname \"br-front\" udp dport 53; "
        "iifname \"br-front\" tcp dport 53; ");
  CHECK(texts(accepts, TableFamily::bridge, ChainHook::forward).empty());

  accepts.has_ipv6 = false;
  CHECK(texts(accepts, TableFamily::ip6, ChainHook::forward).empty());
  accepts.dns_port.reset();
  CHECK(texts(accepts, TableFamily::inet, ChainHook::input).empty());
  accepts.reach = Accepts::Reach::own_bridge;
  CHECK(texts(accepts, TableFamily::inet, ChainHook::forward) ==
        "iifname \"br-front\" oifname \"br-front\"; ");
}

TEST_CASE("every rule names its network, in no more than nft takes, and two names stay two") {
  auto accepts = front();
  CHECK(rules_for(accepts, TableFamily::ip, ChainHook::forward)[0].comment ==
        "burrow: network front");
  accepts.network = *NetworkName::parse(std::string(120, 'a'));
  const auto one = rules_for(accepts, TableFamily::ip, ChainHook::forward)[0].comment;
  accepts.network = *NetworkName::parse(std::string(119, 'a') + 'b');
  const auto other = rules_for(accepts, TableFamily::ip, ChainHook::forward)[0].comment;
  CHECK(one.size() <= 127);
  CHECK(one != other);
}

TEST_CASE("a chain that drops by policy gets them at its end, behind all rules of others") {
  const auto edits = plan({forward(ChainPolicy::drop, {condition(1), condition(2)})});
  REQUIRE(edits.size() == 1);
  CHECK(to_string(edits[0].place) == "ip filter FORWARD");
  CHECK_FALSE(edits[0].before);
  CHECK(edits[0].remove.empty());
  CHECK(edits[0].add == forward_rules());
}

TEST_CASE("a chain that drops by its last word gets them right before that") {
  for (const auto policy : {ChainPolicy::accept, ChainPolicy::drop}) {
    const auto edits = plan({forward(policy, {condition(1), rule(2, Ending::drop), condition(3)})});
    REQUIRE(edits.size() == 1);
    CHECK(edits[0].before == 2);
  }
}

TEST_CASE("a chain that drops nothing, or whose end is not known, is left alone") {
  CHECK(plan({forward(ChainPolicy::accept, {condition(1, Ending::drop)})}).empty());
  CHECK(plan({forward(ChainPolicy::accept, {rule(1, Ending::none)})}).empty());
  CHECK(plan({forward(ChainPolicy::drop, {rule(1, Ending::accept)})}).empty());
  // A queue to a program: what it decides is not to be passed by.
  CHECK(plan({forward(ChainPolicy::drop, {rule(1, Ending::unknown)})}).empty());
  CHECK(plan({forward(ChainPolicy::drop, {rule(1, Ending::jump, "unread")})}).empty());
  auto cut = forward(ChainPolicy::drop, {condition(1)});
  cut.is_cut = true;
  CHECK(plan({cut}).empty());
}

TEST_CASE("a chain that goes back early still comes to the policy, before what is never reached") {
  const auto edits =
      plan({forward(ChainPolicy::drop, {rule(1, Ending::go_back), rule(2, Ending::drop)})});
  REQUIRE(edits.size() == 1);
  CHECK(edits[0].before == 1);
}

TEST_CASE("the drop is looked for in chains that all packets are led to") {
  // Its only way in is that jump: the rules go where the drop is.
  auto edits = plan({forward(ChainPolicy::accept, {condition(1), rule(2, Ending::jump, "rest")}),
                     chain("rest", {condition(3), rule(4, Ending::drop)}, 1)});
  REQUIRE(edits.size() == 1);
  CHECK(edits[0].place.chain == "rest");
  CHECK(edits[0].before == 4);

  // Others lead there as well, with what they want dropped.
  edits = plan({forward(ChainPolicy::accept, {condition(1), rule(2, Ending::jump, "rest")}),
                chain("rest", {condition(3), rule(4, Ending::drop)}, 2)});
  REQUIRE(edits.size() == 1);
  CHECK(edits[0].place.chain == "FORWARD");
  CHECK(edits[0].before == 2);

  // Packets come back from there.
  edits = plan({forward(ChainPolicy::drop, {rule(2, Ending::jump, "user"), condition(5)}),
                chain("user", {condition(3, Ending::drop), rule(4, Ending::go_back)}, 1)});
  REQUIRE(edits.size() == 1);
  CHECK(edits[0].place.chain == "FORWARD");
  CHECK_FALSE(edits[0].before);

  // They do not.
  edits = plan({forward(ChainPolicy::drop, {rule(2, Ending::go_to, "user"), condition(5)}),
                chain("user", {condition(3, Ending::drop)}, 1)});
  REQUIRE(edits.size() == 1);
  CHECK(edits[0].place.chain == "user");
  CHECK_FALSE(edits[0].before);
}

TEST_CASE("chains that lead to each other for ever are no endless work") {
  CHECK(plan({forward(ChainPolicy::drop, {rule(1, Ending::jump, "a")}),
              chain("a", {rule(2, Ending::jump, "b")}, 2),
              chain("b", {rule(3, Ending::jump, "a")}, 1)})
            .empty());
}

TEST_CASE("what stands in its place stays, once; what stands elsewhere moves") {
  const auto wanted = forward_rules();
  CHECK(plan({forward(ChainPolicy::drop, {condition(1), ours(2, wanted[1]), ours(3, wanted[0])})})
            .empty());

  // A rule of the administrator's came behind them: it is asked first again.
  auto edits = plan({forward(
      ChainPolicy::drop, {ours(1, wanted[0]), ours(2, wanted[1]), condition(3, Ending::drop)})});
  REQUIRE(edits.size() == 1);
  CHECK(edits[0].remove == std::vector<uint64_t>{1, 2});
  CHECK(edits[0].add == wanted);

  edits = plan(
      {forward(ChainPolicy::drop, {ours(1, wanted[0]), ours(2, wanted[0]), ours(3, wanted[1])})});
  REQUIRE(edits.size() == 1);
  CHECK(edits[0].remove == std::vector<uint64_t>{2});
  CHECK(edits[0].add.empty());

  // Another network's rules are no rules of others.
  auto other = wanted[0];
  other.comment = "burrow: network back";
  CHECK(plan({forward(ChainPolicy::drop, {ours(1, wanted[0]), ours(2, wanted[1]), ours(3, other)})})
            .empty());
}

TEST_CASE("taken away is what says exactly what ours says, comment included") {
  const auto wanted = forward_rules();
  auto strangers = wanted[0];
  strangers.comment = "mine";
  auto narrower = wanted[0];
  narrower.protocol = IPPROTO_TCP;
  const Neighbourhood there{
      .generation = 1,
      .chains = {forward(ChainPolicy::accept, {ours(1, wanted[0]), ours(2, strangers),
                                               ours(3, narrower), ours(4, wanted[1])})}};
  const auto edits = plan_removal(there, front());
  REQUIRE(edits.size() == 1);
  CHECK(edits[0].remove == std::vector<uint64_t>{1, 4});
  CHECK(edits[0].add.empty());
  CHECK(plan_removal(without(there, front()), front()).empty());
}

TEST_CASE("what drops is told, with the bridges that it lets pass") {
  const auto wanted = forward_rules();
  const Neighbourhood there{
      .generation = 1,
      .chains = {forward(ChainPolicy::drop, {condition(1), ours(2, wanted[0]), ours(3, wanted[1])}),
                 forward(ChainPolicy::accept, {rule(4, Ending::drop)})}};
  const auto dropping = dropping_chains(there);
  REQUIRE(dropping.size() == 2);
  CHECK(dropping[0].is_by_policy);
  CHECK(dropping[0].rule_count == 1);
  CHECK(dropping[0].accepted == std::set{*LinkName::parse("br-front")});
  CHECK_FALSE(dropping[1].is_by_policy);
  CHECK(dropping[1].accepted.empty());
}

TEST_CASE("chains of bridges that drop get no rule and are named") {
  auto frames = forward(ChainPolicy::drop, {});
  frames.place = {.family = TableFamily::bridge, .table = "frames", .chain = "forward"};
  const Neighbourhood there{.generation = 1, .chains = {frames}};
  const auto wanted = front();
  CHECK(plan_accepts(there, {&wanted, 1}).empty());
  REQUIRE(obstacles(there, {&wanted, 1}).size() == 1);
  CHECK(obstacles(there, {&wanted, 1})[0].find("\"bridge frames forward\"") != std::string::npos);
  CHECK(obstacles(there, {}).empty());
}
