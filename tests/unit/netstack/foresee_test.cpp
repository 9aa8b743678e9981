#include "netstack/foresee.h"

#include <doctest/doctest.h>

#include "../../support/netstack_examples.h"
#include "netstack/dry_run.h"

using namespace burrow;
using namespace burrow::netstack;

namespace {

// What stands after `plan` was carried out on an empty host, as far as a set-up observes it.
Snapshot stands(const SetupRequest& request, const Plan& plan) {
  auto snapshot = examples::empty_host(request);
  snapshot.table = firewall::TableState::current;
  snapshot.forwarding4->is_on = true;
  auto& network = snapshot.networks.begin()->second;
  const auto& asked = request.attachments.front();
  for (const auto& step : plan.steps) {
    if (const auto* create = std::get_if<CreateBridge>(&step)) {
      network.bridge = BridgeSnapshot{
          .is_bridge = true, .kind = "bridge", .mac = create->bridge.mac, .is_up = true};
    } else if (const auto* dns = std::get_if<AddDnsEntry>(&step)) {
      network.dns_header = dns->header;
    }
  }
  network.in_firewall = elements_of(plan.steps);
  network.free_host_link = host_link_names(request.container, asked.network.name)[1];
  snapshot.container->taken_links.insert(asked.interface);
  snapshot.container->is_loopback_up = true;
  return snapshot;
}

// The record of a set-up by `plan` that was cut short.
PendingRecord cut_short(const Plan& plan, const std::string& netns) {
  return {.command = PendingRecord::Command::setup,
          .netns = netns,
          .steps = plan.steps,
          .changes = plan.changes,
          .put_back = {}};
}

std::string text_of(const Steps& steps) {
  std::string text;
  for (const auto& step : steps) text += to_string(step) + '\n';
  return text;
}

}  // namespace

TEST_CASE("past the recovery of a set-up the same set-up is planned as on the host before it") {
  const auto request = decode_setup_request(examples::request_text()).value();
  const auto fresh = plan_setup(request, examples::empty_host(request), examples::settings());
  REQUIRE(fresh);
  const auto pending = cut_short(fresh->plan, examples::settings().netns);
  const auto now = stands(request, fresh->plan);
  CHECK_FALSE(plan_setup(request, now, examples::settings()));  // its interface is there
  const auto then = foresee(now, request, recovery_from(pending, examples::settings().netns));
  const auto again = plan_setup(request, then, examples::settings());
  REQUIRE(again);
  CHECK(text_of(again->plan.steps) == text_of(fresh->plan.steps));
}

TEST_CASE("links of another namespace do not vanish") {
  const auto request = decode_setup_request(examples::request_text()).value();
  const auto fresh = plan_setup(request, examples::empty_host(request), examples::settings());
  REQUIRE(fresh);
  const auto pending = cut_short(fresh->plan, "/run/netns/other");
  CHECK(recovery_from(pending, examples::settings().netns).links.empty());
  CHECK(recovery_from(pending, "/run/netns/other").links.size() == 1);
}

TEST_CASE("what is on record is replaced where it is asked for or names another namespace") {
  const auto request = decode_setup_request(examples::request_text()).value();
  auto snapshot = examples::empty_host(request);
  const auto fresh = plan_setup(request, snapshot, examples::settings());
  REQUIRE(fresh);
  const auto record = [&](const char* network, const char* netns) {
    return AttachmentRecord{.container = request.container,
                            .network = NetworkName::parse(network).value(),
                            .interface = LinkName::parse("eth0").value(),
                            .netns = netns};
  };
  const auto netns = examples::settings().netns;
  snapshot.attachments = {record("front", netns.c_str()), record("stays", netns.c_str()),
                          record("moved", "/run/netns/old")};
  snapshot.container->taken_links = {LinkName::parse("eth0").value()};
  const auto replacement = plan_replacement(request, snapshot, netns);
  REQUIRE(replacement.ended.size() == 2);
  CHECK(replacement.records.size() == 2);
  CHECK(replacement.ended[0].str() == "front");
  CHECK(replacement.ended[1].str() == "moved");
  REQUIRE(replacement.without.attachments.size() == 1);
  CHECK(replacement.without.attachments[0].network.str() == "stays");
  CHECK(replacement.without.container->taken_links.empty());
}

TEST_CASE("ports of a bridge and its place in the table go with what is deleted") {
  const auto request = decode_setup_request(examples::request_text()).value();
  const auto fresh = plan_setup(request, examples::empty_host(request), examples::settings());
  REQUIRE(fresh);
  auto snapshot = examples::empty_host(request);
  const auto bridge = LinkName::parse("br-front").value();
  const auto port = host_link_names(request.container, request.attachments[0].network.name)[0];
  auto& network = snapshot.networks.begin()->second;
  network.bridge = BridgeSnapshot{.is_bridge = true, .ports = {port.str(), "veth-other"}};
  network.record =
      NetworkRecord{.network = request.attachments[0].network.name, .bridge = bridge, .steps = {}};
  snapshot.firewall_bridges = {bridge};
  // As observed for a teardown by names alone, which knows no request.
  const SetupRequest nothing{.container = request.container};
  auto then = foresee(snapshot, nothing, {{DeleteLinks{{{port, {}}}}}, {}});
  CHECK(then.networks.begin()->second.bridge->ports == std::set<std::string>{"veth-other"});
  CHECK(then.firewall_bridges.size() == 1);
  then = foresee(snapshot, nothing, {invert(fresh->plan.steps), {}});
  CHECK_FALSE(then.networks.begin()->second.bridge);
  CHECK(then.firewall_bridges.empty());
}

TEST_CASE("recovery from a set-up that replaced ends both and makes the old attachment again") {
  const auto link = LinkName::parse("br0").value();
  const PendingRecord pending{.command = PendingRecord::Command::setup,
                              .netns = "/run/netns/c",
                              .steps = {BringUp{Place::host, link}},
                              .changes = {},
                              .put_back = {StartLoopback{}}};
  const auto recovery = recovery_of(pending);
  CHECK(recovery.steps == Steps{TakeDown{Place::host, link}});
  CHECK(recovery.put_back == Steps{StopLoopback{}, StartLoopback{}});
}

TEST_CASE("the text of a dry run numbers the steps through all its parts") {
  const auto link = LinkName::parse("br0").value();
  DryRun run{.netns = "/run/netns/c"};
  CHECK(to_text(run).find("nothing to do") != std::string::npos);
  run.retried = {StopLoopback{}};
  run.recovery = Recovery{.command = PendingRecord::Command::teardown,
                          .netns = "/run/netns/x",
                          .steps = {TakeDown{Place::host, link}},
                          .put_back = {}};
  run.replaced = {NotifyDns{}};
  run.steps = {BringUp{Place::host, link}, ServeDns{}};
  run.notes = {"a plugin decides"};
  CHECK(to_text(run) ==
        "setup in /run/netns/c\n"
        "first, what earlier commands could not take back is tried again:\n"
        "   1. " +
            to_string(StopLoopback{}) +
            "\n"
            "first, a teardown of /run/netns/x that was cut short is finished:\n"
            "   2. set br0 down on host\n"
            "then, what is on record of the container is ended:\n"
            "   3. notify the DNS daemon\n"
            "then:\n"
            "   4. set br0 up on host\n"
            "   5. start or notify the DNS daemon\n"
            "note: a plugin decides\n"
            "nothing was changed\n");
  const auto json = encode(run);
  CHECK(json["recovery"]["command"] == "teardown");
  CHECK(json["retried"].size() == 1);
  CHECK(json["steps"].size() == 2);
  CHECK(json["notes"][0] == "a plugin decides");
  CHECK_FALSE(json.contains("answer"));
}
