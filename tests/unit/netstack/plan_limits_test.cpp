#include "netstack/plan_limits.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "../../support/netstack_examples.h"

using namespace burrow;
using namespace burrow::netstack;

namespace {

SetupRequest request(const Strings& own = {}, const Strings& network = {}) {
  auto asked = *decode_setup_request(examples::request_text());
  asked.attachments[0].options = own;
  asked.attachments[0].network.options = network;
  return asked;
}

Result<SetupPlan> planned(const SetupRequest& asked) {
  return plan_setup(asked, examples::empty_host(asked), examples::settings());
}

std::string trouble(const SetupRequest& asked, const Settings& settings = examples::settings()) {
  const auto plan = plan_setup(asked, examples::empty_host(asked), settings);
  REQUIRE_FALSE(plan.has_value());
  return plan.error().message;
}

std::vector<std::string> limits_in(const std::vector<firewall::Element>& elements) {
  std::vector<std::string> texts;
  for (const auto& element : elements) {
    if (firewall::limit_kind(element.set)) texts.push_back(to_string(element));
  }
  return texts;
}

NetworkRecord network_record(const SetupPlan& plan) {
  for (const auto& change : plan.plan.changes) {
    if (change.path.starts_with("networks/")) return *decode_network_record(*change.after);
  }
  FAIL("no network record");
  throw;
}

AttachmentRecord attachment_record(const SetupPlan& plan) {
  for (const auto& change : plan.plan.changes) {
    if (change.path.starts_with("attachments/")) return *decode_attachment_record(*change.after);
  }
  FAIL("no attachment record");
  throw;
}

const ChangeFirewall& only_step(const Plan& plan) {
  REQUIRE(plan.steps.size() == 1);
  return std::get<ChangeFirewall>(plan.steps.front());
}

}  // namespace

TEST_CASE("limits stand on the records of their owners, and a teardown takes them along") {
  const auto plan = *planned(request({{"egress_deny", "192.0.2.0/24"}, {"connections", "5"}},
                                     {{"ingress_allow", "none"}, {"connections", "9"}}));
  CHECK(limits_in(elements_of(network_record(plan).steps)) ==
        std::vector<std::string>{"network_ingress_only { br-front }"});
  const auto own = elements_of(attachment_record(plan).steps);
  CHECK(limits_in(own) == std::vector<std::string>{"egress_deny4 { 10.1.0.2 . 192.0.2.0/24 }",
                                                   "connections4 { 10.1.0.2 : 5 }",
                                                   "connections6 { fd00:1::2 : 5 }"});
  const auto& first = std::get<ChangeFirewall>(plan.plan.steps.front());
  CHECK(limits_in(first.add).size() == 4);
  for (const auto& step : invert(attachment_record(plan).steps)) {
    if (const auto* change = std::get_if<ChangeFirewall>(&step)) {
      CHECK(limits_in(change->remove).size() == 3);
    }
  }
}

TEST_CASE("limits that nothing would hold are refused before anything is planned") {
  auto asked = request({{"egress_deny", "192.0.2.0/24"}});
  auto settings = examples::settings();
  settings.firewall = FirewallDriver::none;
  CHECK(trouble(asked, settings) ==
        "network \"front\": option egress_deny has no effect: the firewall driver is not nftables");
  asked.attachments[0].network.options["mode"] = "unmanaged";
  CHECK(trouble(asked) ==
        "network \"front\": option egress_deny has no effect: the bridge is unmanaged");
  asked = request({}, {{"packet_rate", "5/second"}});
  asked.attachments[0].network.driver = "macvlan";
  CHECK(
      trouble(asked) ==
      "network \"front\": option packet_rate has no effect: limits hold on bridge networks alone");
  asked = request({}, {{"packet_rate", "5/second"}});
  asked.attachments[0].network.subnets.clear();
  asked.attachments[0].network.has_dns = false;
  asked.attachments[0].network.ipam_options["driver"] = "none";
  asked.attachments[0].addresses.reset();
  CHECK(trouble(asked).find("limits need an address") != std::string::npos);
}

TEST_CASE("a live change of a container replaces what it names and leaves the rest") {
  const auto plan = *planned(
      request({{"egress_deny", "192.0.2.0/24,2001:db8::/32"}, {"packet_rate", "5/second"}}));
  const auto record = attachment_record(plan);
  const auto network = network_record(plan);
  const auto changed = *plan_limits(
      record, network, {{"egress_deny", "192.0.2.0/24,198.51.100.0/24"}, {"connections", "3"}});
  const auto& change = only_step(changed);
  CHECK(limits_in(change.remove) ==
        std::vector<std::string>{"egress_deny6 { fd00:1::2 . 2001:db8::/32 }"});
  CHECK(limits_in(change.add) ==
        std::vector<std::string>{"egress_deny4 { 10.1.0.2 . 198.51.100.0/24 }",
                                 "connections4 { 10.1.0.2 : 3 }",
                                 "connections6 { fd00:1::2 : 3 }"});
  REQUIRE(changed.changes.size() == 1);
  CHECK(changed.changes[0].before == encode(record));
  const auto after = *decode_attachment_record(*changed.changes[0].after);
  CHECK(limits_in(elements_of(after.steps)).size() == 6);
  // What it publishes stays.
  CHECK(elements_of(after.steps).size() - 6 == elements_of(record.steps).size() - 4);

  SUBCASE("said again it changes nothing") {
    const auto again = *plan_limits(
        after, network, {{"egress_deny", "192.0.2.0/24,198.51.100.0/24"}, {"connections", "3"}});
    CHECK(again.steps.empty());
  }
  SUBCASE("an empty word takes one away") {
    const auto less = *plan_limits(after, network, {{"egress_deny", ""}, {"packet_rate", ""}});
    CHECK(limits_in(only_step(less).remove).size() == 4);
    CHECK(only_step(less).add.empty());
  }
  SUBCASE("taken back it leaves what stood before") {
    const auto back = invert(changed.steps);
    REQUIRE(back.size() == 1);
    CHECK(std::get<ChangeFirewall>(back[0]).add == change.remove);
    CHECK(std::get<ChangeFirewall>(back[0]).remove == change.add);
  }
}

TEST_CASE("the gate opens with the first limit and closes with the last, whichever they are") {
  const auto gate_in = [](const std::vector<firewall::Element>& elements) {
    std::vector<std::string> texts;
    for (const auto& element : elements) {
      if (firewall::is_gate(element.set)) texts.push_back(to_string(element));
    }
    return texts;
  };
  using Gate = std::vector<std::string>;
  const Gate both{"limited4 { 10.1.0.2 }", "limited6 { fd00:1::2 }"};
  const auto plan = *planned(request({{"packet_rate", "5/second"}}));
  auto record = attachment_record(plan);
  const auto network = network_record(plan);
  CHECK(gate_in(elements_of(record.steps)) == Gate{});
  const auto change = [&](const LimitChanges& changes) {
    const auto changed = *plan_limits(record, network, changes);
    record = *decode_attachment_record(*changed.changes.at(0).after);
    return only_step(changed);
  };
  CHECK(gate_in(change({{"connections", "3"}}).add) == both);
  auto next = change({{"egress_deny", "192.0.2.0/24"}});
  CHECK(gate_in(next.add) == Gate{});
  CHECK(gate_in(next.remove) == Gate{});
  next = change({{"connections", ""}});
  CHECK(gate_in(next.remove) == Gate{"limited6 { fd00:1::2 }"});
  CHECK(gate_in(elements_of(record.steps)) == Gate{"limited4 { 10.1.0.2 }"});
  next = change({{"egress_deny", ""}});
  CHECK(gate_in(next.remove) == Gate{"limited4 { 10.1.0.2 }"});
  CHECK(gate_in(elements_of(record.steps)) == Gate{});
  CHECK(limits_in(elements_of(record.steps)).size() == 2);  // the rate of packets

  const auto lists = *plan_limits(network, {{"ingress_deny", "192.0.2.0/24"}});
  CHECK(gate_in(only_step(lists).add) == Gate{"limited_bridges { br-front }"});
}

TEST_CASE("a live change of a network holds for containers that come later, too") {
  const auto asked = request({}, {{"egress_deny", "192.0.2.0/24"}, {"egress_allow", "none"}});
  const auto record = network_record(*planned(asked));
  const auto changed =
      *plan_limits(record, {{"egress_deny", "198.51.100.0/24"}, {"egress_allow", ""}});
  CHECK(limits_in(only_step(changed).remove).size() == 2);
  const auto after = *decode_network_record(*changed.changes.at(0).after);
  CHECK(limits_in(elements_of(after.steps)) ==
        std::vector<std::string>{"network_egress_deny4 { br-front . 198.51.100.0/24 }"});

  auto snapshot = examples::empty_host(asked);
  auto& network = snapshot.networks.begin()->second;
  network.record = after;
  network.in_firewall = elements_of(after.steps);
  const auto next = *plan_setup(asked, snapshot, examples::settings());
  for (const auto& step : next.plan.steps) {
    if (const auto* change = std::get_if<ChangeFirewall>(&step)) {
      CHECK(limits_in(change->add).empty());
      CHECK(limits_in(change->remove).empty());
    }
  }
  for (const auto& change : next.plan.changes) {
    if (!change.path.starts_with("networks/")) continue;
    CHECK(decode_network_record(*change.after)->limits == after.limits);
  }
}

TEST_CASE("a live change that cannot be meant is refused") {
  const auto plan = *planned(request());
  const auto record = network_record(plan);
  const auto refused = [&](const LimitChanges& changes) {
    const auto outcome = plan_limits(record, changes);
    REQUIRE_FALSE(outcome.has_value());
    return outcome.error().message;
  };
  CHECK(refused({{"packet_rate", "5/second"}}).starts_with("packet_rate is each container's"));
  CHECK(refused({{"egress_deny", "x"}}).starts_with("egress_deny: "));
  CHECK(refused({{"mtu", "5"}}) == "\"mtu\" is no limit");
  auto open = record;
  open.steps.clear();
  CHECK_FALSE(plan_limits(open, {{"egress_deny", ""}}).has_value());
  auto bare = attachment_record(plan);
  bare.steps.clear();
  CHECK_FALSE(plan_limits(bare, record, {{"egress_deny", ""}}).has_value());
}
