// Settings of bridges that stand before a set-up, somebody else's or a network's that has changed.
#include <doctest/doctest.h>

#include <algorithm>

#include "../../support/netstack_examples.h"
#include "netstack/plan.h"
#include "netstack/plan_bridge.h"

using namespace burrow;
using namespace burrow::netstack;

namespace {

const LinkName kBridge = *LinkName::parse("br-front");

SetupRequest request() { return *decode_setup_request(examples::request_text()); }

// A host that forwards, on which the bridge stands with these settings.
Snapshot host_with(const SetupRequest& asked, std::vector<Setting> settings) {
  auto snapshot = examples::empty_host(asked);
  snapshot.forwarding4 = ForwardingSnapshot{.is_on = true};
  snapshot.networks.begin()->second.bridge =
      BridgeSnapshot{.is_bridge = true, .kind = "bridge", .settings = std::move(settings)};
  return snapshot;
}

// The steps that give the bridge settings.
Steps settings_of(const Steps& steps) {
  Steps found;
  std::ranges::copy_if(steps, std::back_inserter(found), [](const Step& step) {
    const auto* set = std::get_if<SetSysctl>(&step);
    return set != nullptr && set->place == Place::host &&
           set->key.find("br-front") < set->key.size();
  });
  return found;
}

NetworkRecord recorded(const SetupPlan& planned, const SetupRequest& asked) {
  const auto path = network_record_path(asked.attachments[0].network.name);
  const auto change = std::ranges::find(planned.plan.changes, path, &RecordChange::path);
  return *decode_network_record(*change->after);
}

}  // namespace

TEST_CASE("somebody else's bridge gets what containers need, and has it back when they leave") {
  const auto asked = request();
  const auto snapshot =
      host_with(asked, {{forwarding_key(kBridge), "0"}, {route_localnet_key(kBridge), "0"}});
  const auto planned = *plan_setup(asked, snapshot, examples::settings());
  const Steps wanted{SetSysctl{Place::host, forwarding_key(kBridge), "1", "0"},
                     SetSysctl{Place::host, route_localnet_key(kBridge), "1", "0"}};
  CHECK(settings_of(planned.plan.steps) == wanted);

  const auto record = recorded(planned, asked);
  CHECK_FALSE(record.owns_bridge());
  CHECK(settings_of(record.steps) == wanted);
  CHECK(settings_of(invert(record.steps)) ==
        Steps{SetSysctl{Place::host, route_localnet_key(kBridge), "0", "1", {}, true},
              SetSysctl{Place::host, forwarding_key(kBridge), "0", "1", {}, true}});
}

TEST_CASE(
    "settings of a bridge that are as they should be, or were not looked at, stay untouched") {
  const auto asked = request();
  const auto right =
      host_with(asked, {{forwarding_key(kBridge), "1"}, {route_localnet_key(kBridge), "1"}});
  for (const auto& snapshot : {right, host_with(asked, {})}) {
    CHECK(settings_of(plan_setup(asked, snapshot, examples::settings())->plan.steps).empty());
  }
}

TEST_CASE(
    "what an internal network's bridge was given is on its record, until it is internal no more") {
  auto internal = request();
  internal.attachments[0].network.is_internal = true;
  const auto first = *plan_setup(internal, examples::empty_host(internal), examples::settings());
  const auto before = recorded(first, internal);
  CHECK(before.setting(forwarding_key(kBridge)) == "0");
  CHECK_FALSE(before.setting(route_localnet_key(kBridge)));

  const auto asked = request();
  auto snapshot =
      host_with(asked, {{forwarding_key(kBridge), "0"}, {route_localnet_key(kBridge), "0"}});
  snapshot.networks.begin()->second.record = before;
  const auto planned = *plan_setup(asked, snapshot, examples::settings());
  CHECK(settings_of(planned.plan.steps).size() == 2);
  CHECK(recorded(planned, asked).setting(forwarding_key(kBridge)) == "1");
}

TEST_CASE("bridges of internal networks stay off when the host begins to forward") {
  const auto asked = request();
  auto snapshot = examples::empty_host(asked);
  const std::string inner = "net/ipv4/conf/br-inner/forwarding";
  snapshot.forwarding4 = ForwardingSnapshot{.stay_off = {inner}};
  const auto planned = *plan_setup(asked, snapshot, examples::settings());
  const auto& steps = planned.plan.steps;
  const auto on =
      std::ranges::find(steps, Step{SetSysctl{Place::host, "net/ipv4/ip_forward", "1", "0"}});
  const auto off = std::ranges::find(steps, Step{SetSysctl{Place::host, inner, "0", "1"}});
  REQUIRE(on != steps.end());
  CHECK(off == on + 1);
  // It is the switch alone that the host's record takes back.
  for (const auto& change : planned.plan.changes) {
    CHECK(change.after->find("br-inner") == std::string::npos);
  }
}

TEST_CASE(
    "a bridge that stands and is to be an internal network's stays off, and is on record so") {
  auto asked = request();
  auto inner = asked.attachments[0];
  inner.network.name = *NetworkName::parse("inner");
  inner.network.interface = *LinkName::parse("br-inner");
  inner.network.is_internal = true;
  inner.network.has_dns = false;
  inner.network.subnets = {{*IpNetwork::parse("10.2.0.0/24"), *IpAddress::parse("10.2.0.1"), {}}};
  inner.network.routes.clear();
  inner.addresses = {{*IpAddress::parse("10.2.0.2")}};
  inner.interface = *LinkName::parse("eth1");
  asked.attachments.push_back(inner);
  auto snapshot = examples::empty_host(asked);
  const std::string key = "net/ipv4/conf/br-inner/forwarding";
  snapshot.networks.at(inner.network.name).bridge =
      BridgeSnapshot{.is_bridge = true, .kind = "bridge", .settings = {{key, "0"}}};
  const auto planned = *plan_setup(asked, snapshot, examples::settings());
  const auto& steps = planned.plan.steps;
  const auto on =
      std::ranges::find(steps, Step{SetSysctl{Place::host, "net/ipv4/ip_forward", "1", "0"}});
  REQUIRE(on != steps.end());
  CHECK(std::find(on, steps.end(), Step{SetSysctl{Place::host, key, "0", "1"}}) != steps.end());
  const auto change = std::ranges::find(
      planned.plan.changes, network_record_path(inner.network.name), &RecordChange::path);
  CHECK(decode_network_record(*change->after)->setting(key) == "0");
}

TEST_CASE("taking a rewritten file of systemd's settings back restores what it said") {
  const Setting old{forwarding_key(kBridge), "1"};
  const Setting fresh{forwarding_key(kBridge), "0"};
  const KeepSettings rewrite{kBridge, {fresh}, {{old}}};
  CHECK(inverse(rewrite) == Step{KeepSettings{kBridge, {old}, {{fresh}}}});
  CHECK(inverse(KeepSettings{kBridge, {fresh}}) == Step{ForgetSettings{kBridge}});

  // A network that is internal now had other settings.
  auto asked = request();
  auto snapshot = examples::empty_host(asked);
  snapshot.has_systemd = true;
  const auto before = recorded(*plan_setup(asked, snapshot, examples::settings()), asked);
  snapshot = host_with(asked, {});
  snapshot.has_systemd = true;
  snapshot.networks.begin()->second.record = before;
  asked.attachments[0].network.is_internal = true;
  const auto planned = *plan_setup(asked, snapshot, examples::settings());
  const auto step = std::ranges::find_if(planned.plan.steps, [](const Step& one) {
    return std::holds_alternative<KeepSettings>(one);
  });
  REQUIRE(step != planned.plan.steps.end());
  CHECK(std::get<KeepSettings>(*step).before == std::get<KeepSettings>(before.steps[0]).settings);
  // Its end, much later, removes the file.
  const auto back = invert(recorded(planned, asked).steps);
  CHECK(std::ranges::find(back, Step{ForgetSettings{kBridge}}) != back.end());
  CHECK(std::ranges::none_of(
      back, [](const Step& one) { return std::holds_alternative<KeepSettings>(one); }));
}
