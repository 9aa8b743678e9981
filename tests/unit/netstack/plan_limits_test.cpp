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

AddDnsEntry dns_entry(const Steps& steps) {
  for (const auto& step : steps) {
    if (const auto* entry = std::get_if<AddDnsEntry>(&step)) return *entry;
  }
  FAIL("no DNS entry");
  throw;
}

const ChangeFirewall& only_step(const Plan& plan) {
  REQUIRE(plan.steps.size() == 1);
  return std::get<ChangeFirewall>(plan.steps.front());
}

// A bridge whose packets meet the firewall already, by somebody else's doing.
const BridgedNow kLed{.packets = host::BridgedPackets::through_firewall, .netfilter = {}};

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
      record, network, {}, {{"egress_deny", "192.0.2.0/24,198.51.100.0/24"}, {"connections", "3"}});
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
    const auto again =
        *plan_limits(after, network, {},
                     {{"egress_deny", "192.0.2.0/24,198.51.100.0/24"}, {"connections", "3"}});
    CHECK(again.steps.empty());
  }
  SUBCASE("an empty word takes one away") {
    const auto less = *plan_limits(after, network, {}, {{"egress_deny", ""}, {"packet_rate", ""}});
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
    const auto changed = *plan_limits(record, network, kLed, changes);
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

  const auto lists = *plan_limits(network, {}, {{"ingress_deny", "192.0.2.0/24"}});
  CHECK(gate_in(only_step(lists).add) == Gate{"limited_bridges { br-front }"});
}

TEST_CASE("a live change of a network holds for containers that come later, too") {
  const auto asked = request({}, {{"egress_deny", "192.0.2.0/24"}, {"egress_allow", "none"}});
  const auto record = network_record(*planned(asked));
  const auto changed =
      *plan_limits(record, {}, {{"egress_deny", "198.51.100.0/24"}, {"egress_allow", ""}});
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
    const auto outcome = plan_limits(record, {}, changes);
    REQUIRE_FALSE(outcome.has_value());
    return outcome.error().message;
  };
  CHECK(refused({{"packet_rate", "5/second"}}).starts_with("packet_rate is each container's"));
  CHECK(refused({{"egress_deny", "x y"}}).starts_with("egress_deny: "));
  CHECK(refused({{"mtu", "5"}}) == "\"mtu\" is no limit");
  auto open = record;
  open.steps.clear();
  CHECK_FALSE(plan_limits(open, {}, {{"egress_deny", ""}}).has_value());
  auto bare = attachment_record(plan);
  bare.steps.clear();
  CHECK_FALSE(plan_limits(bare, record, {}, {{"egress_deny", ""}}).has_value());
}

namespace {

const LeadBridgedPackets* led_packets(const Steps& steps) {
  for (const auto& step : steps) {
    if (const auto* lead = std::get_if<LeadBridgedPackets>(&step)) return lead;
  }
  return nullptr;
}

bool has_loopback6(const std::vector<firewall::Element>& elements) {
  return std::ranges::any_of(elements, [](const firewall::Element& element) {
    return element.set == firewall::SetName::loopback6;
  });
}

}  // namespace

TEST_CASE("limits of a container have its bridge's packets meet the firewall") {
  CHECK(led_packets(planned(request())->plan.steps) == nullptr);
  CHECK(led_packets(planned(request({}, {{"egress_deny", "192.0.2.0/24"}}))->plan.steps) ==
        nullptr);
  // Rates of a network are each container's.
  CHECK(led_packets(planned(request({}, {{"packet_rate", "5/second"}}))->plan.steps) != nullptr);

  const auto asked = request({{"egress_deny", "192.0.2.0/24"}});
  auto snapshot = examples::empty_host(asked);
  const auto without = *plan_setup(asked, snapshot, examples::settings());
  REQUIRE(without.warnings.size() == 1);
  CHECK(without.warnings[0].find("modprobe br_netfilter") != std::string::npos);
  CHECK(has_loopback6(elements_of(network_record(without).steps)));

  snapshot.bridge_netfilter = BridgeNetfilter{};
  const auto with = *plan_setup(asked, snapshot, examples::settings());
  CHECK(with.warnings.empty());
  CHECK(led_packets(with.plan.steps) != nullptr);
  CHECK_FALSE(has_loopback6(elements_of(network_record(with).steps)));

  SUBCASE("who joins later without limits leaves it so") {
    auto& there = snapshot.networks.begin()->second;
    there.record = network_record(with);
    there.in_firewall = elements_of(there.record->steps);
    there.bridge = BridgeSnapshot{.is_bridge = true,
                                  .kind = "bridge",
                                  .is_up = true,
                                  .bridged_packets = host::BridgedPackets::through_firewall};
    const auto later = *plan_setup(request(), snapshot, examples::settings());
    CHECK(led_packets(later.plan.steps) == nullptr);
    CHECK(led_packets(network_record(later).steps) != nullptr);
  }
  SUBCASE("on a bridge of somebody else it is taken back at the end, unless it was so before") {
    auto& there = snapshot.networks.begin()->second;
    there.bridge = BridgeSnapshot{.is_bridge = true, .kind = "bridge", .is_up = true};
    const auto adopted = *plan_setup(asked, snapshot, examples::settings());
    const auto back = invert(network_record(adopted).steps);
    REQUIRE(led_packets(back) != nullptr);
    CHECK(led_packets(back)->packets == host::BridgedPackets::past_firewall);
    there.bridge->bridged_packets = host::BridgedPackets::through_firewall;
    CHECK(led_packets(network_record(*plan_setup(asked, snapshot, examples::settings())).steps) ==
          nullptr);
  }
}

TEST_CASE(
    "the first limit of a running container has packets within its network meet the firewall") {
  const auto plan = *planned(request());
  const auto record = attachment_record(plan);
  const auto network = network_record(plan);
  const BridgedNow bridged{.netfilter = BridgeNetfilter{}};
  const LimitChanges change{{"ingress_allow", "none"}};
  const auto changed = *plan_limits(record, network, bridged, change);
  REQUIRE(changed.changes.size() == 2);
  const auto after = *decode_network_record(*changed.changes[1].after);
  CHECK(after.leads_bridged_packets());
  CHECK_FALSE(has_loopback6(elements_of(after.steps)));
  CHECK(has_loopback6(std::get<ChangeFirewall>(changed.steps.at(0)).remove));
  CHECK(led_packets(changed.steps) != nullptr);
  // Once is enough, and none is needed for a limit that goes.
  CHECK(plan_limits(record, after, bridged, change)->changes.size() == 1);
  CHECK(led_packets(plan_limits(record, network, bridged, {{"packet_rate", ""}})->steps) ==
        nullptr);
}

TEST_CASE("names in lists stand in the DNS file, and open the gate for whoever has them") {
  const auto asked = request({{"egress_deny", "ads.example"}, {"egress_allow", "none"}},
                             {{"egress_allow", "deb.example,192.0.2.0/24"}});
  const auto plan = *planned(asked);
  const auto& entry = dns_entry(attachment_record(plan).steps);
  const auto id = asked.container.str();
  CHECK(entry.entry.find(fmt::format("\n={}   @ 0 EGRESS deny web 10.1.0.2,fd00:1::2 ads.example",
                                     id)) != std::string::npos);
  CHECK(entry.entry.find("EGRESS allow") == std::string::npos);
  CHECK(entry.header.ends_with("\n=   @ 0 EGRESS allow front br-front deb.example"));
  const auto network = elements_of(network_record(plan).steps);
  CHECK(std::ranges::count(network, firewall::SetName::limited_bridges, &firewall::Element::set) ==
        1);
  CHECK(limits_in(network) ==
        std::vector<std::string>{"network_egress_allow4 { br-front . 192.0.2.0/24 }",
                                 "network_egress_only { br-front }"});
}

TEST_CASE("names that nobody would answer for are refused") {
  auto asked = request({{"egress_deny", "ads.example"}});
  asked.attachments[0].network.has_dns = false;
  CHECK(
      trouble(asked) ==
      "network \"front\": names in lists need its DNS, by which their addresses are known, and it "
      "has none");
  asked.attachments[0].network.has_dns = true;
  auto snapshot = examples::empty_host(asked);
  snapshot.has_dns_daemon = false;
  CHECK_FALSE(plan_setup(asked, snapshot, examples::settings()).has_value());
}

TEST_CASE("a live change of names is a change of the DNS file, and taken back it is the old one") {
  const auto plan = *planned(request());
  auto record = attachment_record(plan);
  const auto network = network_record(plan);
  const auto before = dns_entry(record.steps);
  const auto changed =
      *plan_limits(record, network, kLed, {{"egress_deny", "ads.example,192.0.2.1"}});
  REQUIRE(changed.steps.size() == 3);
  CHECK(std::get<ChangeFirewall>(changed.steps[0]).add.size() == 3);  // both gates
  const auto& file = std::get<ReplaceDnsEntry>(changed.steps[1]);
  CHECK(file.entry_before == before.entry);
  CHECK(file.entry.starts_with(before.entry + "\n="));
  CHECK(file.entry.ends_with(" ads.example"));
  CHECK(std::holds_alternative<ServeDns>(changed.steps[2]));
  record = *decode_attachment_record(*changed.changes.at(0).after);
  CHECK(dns_entry(record.steps).entry == file.entry);
  const auto back = invert(changed.steps);
  CHECK(std::get<ReplaceDnsEntry>(back[0]) == ReplaceDnsEntry{file.file, file.container,
                                                              file.header_before, file.entry_before,
                                                              file.header, file.entry});
  CHECK(std::holds_alternative<NotifyDns>(back[1]));

  // Another list that comes and goes leaves it, and the gate stays open for both addresses.
  const auto other = *plan_limits(record, network, kLed, {{"connections", "5"}});
  CHECK(limits_in(only_step(other).add).size() == 2);
  CHECK(only_step(other).remove.empty());
  const auto end = *plan_limits(record, network, kLed, {{"egress_deny", ""}});
  CHECK(std::get<ChangeFirewall>(end.steps[0]).remove.size() == 3);
  CHECK(std::get<ReplaceDnsEntry>(end.steps[1]).entry == before.entry);
}

TEST_CASE("a network's names that change are on the record of each of its containers") {
  const auto plan = *planned(request());
  const auto network = network_record(plan);
  auto second = attachment_record(plan);
  second.container = *ContainerId::parse("second");
  const auto changed =
      *plan_limits(network, {attachment_record(plan), second}, {{"egress_allow", "deb.example"}});
  REQUIRE(changed.changes.size() == 3);
  for (size_t i = 1; i < 3; ++i) {
    const auto after = *decode_attachment_record(*changed.changes[i].after);
    CHECK(dns_entry(after.steps)
              .header.ends_with("\n=   @ 0 EGRESS allow front br-front deb.example"));
  }
  CHECK(std::ranges::count_if(changed.steps, [](const Step& step) {
          return std::holds_alternative<ReplaceDnsEntry>(step);
        }) == 1);
  CHECK_FALSE(plan_limits(network, {}, {{"egress_allow", "deb.example"}}).has_value());
}
