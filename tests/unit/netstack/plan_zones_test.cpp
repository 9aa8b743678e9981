// Bridges in zones of firewalld: who joins, who leaves, and what waits for its administrator.
#include "netstack/plan_zones.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "../../support/netstack_examples.h"

using namespace burrow;
using namespace burrow::netstack;
using firewall::ForwardPorts;

namespace {

const auto kBridge = *LinkName::parse("br-front");

template <typename T>
const T* find(const Steps& steps) {
  for (const auto& step : steps) {
    if (const auto* found = std::get_if<T>(&step)) return found;
  }
  return nullptr;
}

SetupRequest asked() { return *decode_setup_request(examples::request_text()); }

Snapshot host_with(std::optional<FirewalldSnapshot> firewalld,
                   std::optional<std::string> zone = std::nullopt) {
  auto snapshot = examples::empty_host(asked());
  snapshot.firewalld = std::move(firewalld);
  snapshot.networks.begin()->second.zone = std::move(zone);
  return snapshot;
}

SetupPlan planned(const Snapshot& snapshot, FirewallDriver driver = FirewallDriver::nftables) {
  auto settings = examples::settings();
  settings.firewall = driver;
  return *plan_setup(asked(), snapshot, settings);
}

NetworkRecord network_record(const SetupPlan& plan) {
  const auto change = std::ranges::find_if(
      plan.plan.changes, [](const RecordChange& one) { return one.path.starts_with("networks/"); });
  return *decode_network_record(*change->after);
}

std::vector<std::string> waiting(const std::vector<PortMapping>& ports,
                                 std::vector<firewall::ForwardPort> forwarded,
                                 ForwardPorts mode = ForwardPorts::own_only) {
  return waiting_ports(
      ports, IpAddress::parse("10.1.0.2").value(), std::nullopt,
      FirewalldSnapshot{
          .zone = "burrow", .forward_ports = mode, .forwarded = std::move(forwarded)});
}

}  // namespace

TEST_CASE(
    "where firewalld runs a new bridge joins our zone, and leaves it after its link has gone") {
  const auto plan = planned(host_with(FirewalldSnapshot{.zone = "burrow"}));
  REQUIRE(find<JoinZone>(plan.plan.steps) != nullptr);
  CHECK(*find<JoinZone>(plan.plan.steps) == JoinZone{kBridge, "burrow"});
  CHECK(plan.warnings.empty());
  const auto back = invert(plan.plan.steps);
  const auto at = [&](auto is_it) { return std::ranges::find_if(back, is_it) - back.begin(); };
  REQUIRE(find<LeaveZone>(back) != nullptr);
  CHECK(at([](const Step& step) { return std::holds_alternative<DeleteLinks>(step); }) <
        at([](const Step& step) { return std::holds_alternative<LeaveZone>(step); }));
}

TEST_CASE("without firewalld nothing joins, but the record has it for when firewalld comes") {
  const auto plan = planned(host_with(std::nullopt));
  CHECK(find<JoinZone>(plan.plan.steps) == nullptr);
  CHECK(recorded_zone(network_record(plan).steps) == "burrow");
}

TEST_CASE("with the firewall driver none no zone is joined or recorded") {
  const auto plan = planned(host_with(FirewalldSnapshot{.zone = "burrow"}), FirewallDriver::none);
  CHECK(find<JoinZone>(plan.plan.steps) == nullptr);
  CHECK_FALSE(recorded_zone(network_record(plan).steps));
}

TEST_CASE("a bridge that is in a zone already stays there") {
  for (const auto* zone : {"burrow", "home", "trusted"}) {
    const auto plan = planned(host_with(FirewalldSnapshot{.zone = "burrow"}, zone));
    CHECK(find<JoinZone>(plan.plan.steps) == nullptr);
  }
}

TEST_CASE("while our zone is unread the stand-in is joined, said, and on record") {
  const auto plan = planned(host_with(FirewalldSnapshot{.zone = "trusted"}));
  CHECK(find<JoinZone>(plan.plan.steps)->zone == "trusted");
  REQUIRE(plan.warnings.size() == 1);
  CHECK(plan.warnings[0].find("has not read zone \"burrow\"") != std::string::npos);
  CHECK(recorded_zone(network_record(plan).steps) == "trusted");

  auto second = host_with(FirewalldSnapshot{.zone = "burrow"}, "trusted");
  second.networks.begin()->second.record = network_record(plan);
  CHECK(zone_on_record(kBridge, second.networks.begin()->second, second.firewalld).zone ==
        "trusted");
}

TEST_CASE("a firewalld that has no zone for bridges is named, and stops nobody") {
  const auto plan = planned(host_with(FirewalldSnapshot{}));
  CHECK(find<JoinZone>(plan.plan.steps) == nullptr);
  REQUIRE(plan.warnings.size() == 1);
  CHECK(plan.warnings[0].find("neither zone") != std::string::npos);
}

TEST_CASE("a bridge that lost its zone joins again, and nothing else is done") {
  auto snapshot = host_with(FirewalldSnapshot{.zone = "burrow"});
  auto& network = snapshot.networks.begin()->second;
  network.record = network_record(planned(snapshot));
  network.in_firewall = elements_of(network.record->steps);
  network.bridge = BridgeSnapshot{
      .is_bridge = true,
      .kind = "bridge",
      .mtu = 1500,
      .is_up = true,
      .addresses = {*IpInterface::parse("10.1.0.1/24"), *IpInterface::parse("fd00:1::1/64")}};
  CHECK(find<JoinZone>(planned(snapshot).plan.steps)->zone == "burrow");
  network.zone = "burrow";
  CHECK(find<JoinZone>(planned(snapshot).plan.steps) == nullptr);
}

TEST_CASE("the network's end takes the bridge out only where firewalld runs") {
  const auto record = network_record(planned(host_with(FirewalldSnapshot{.zone = "burrow"})));
  Snapshot snapshot;
  snapshot.networks.emplace(record.network, NetworkSnapshot{.record = record});
  CHECK(find<LeaveZone>(plan_teardown({record.network}, snapshot).steps) == nullptr);
  snapshot.firewalld = FirewalldSnapshot{};
  const auto plan = plan_teardown({record.network}, snapshot);
  REQUIRE(find<LeaveZone>(plan.steps) != nullptr);
  CHECK(*find<LeaveZone>(plan.steps) == LeaveZone{kBridge, "burrow"});
}

TEST_CASE("a bridge is moved out of no zone but none and the one that stood in") {
  using firewall::has_to_move;
  CHECK(has_to_move(std::nullopt, "burrow", "burrow"));
  CHECK(has_to_move("trusted", "trusted", "burrow"));
  CHECK_FALSE(has_to_move("trusted", "burrow", "burrow"));  // somebody else put it there
  CHECK_FALSE(has_to_move("trusted", "trusted", "trusted"));
  CHECK_FALSE(has_to_move("home", "burrow", "burrow"));
  CHECK_FALSE(has_to_move("burrow", "burrow", "burrow"));
}

TEST_CASE("our own zone is preferred to the stand-in, and nothing else is a zone for us") {
  using firewall::zone_for_bridges;
  CHECK(zone_for_bridges(std::vector<std::string>{"trusted", "burrow"}) == "burrow");
  CHECK(zone_for_bridges(std::vector<std::string>{"public", "trusted"}) == "trusted");
  CHECK_FALSE(zone_for_bridges(std::vector<std::string>{"public"}));
}

TEST_CASE("under StrictForwardPorts each port that no zone forwards waits, in words that open it") {
  const std::vector<PortMapping> ports{{.host_port = 8080, .container_port = 80},
                                       {.host_port = 9000, .container_port = 90, .count = 3}};
  const auto both = waiting(ports, {});
  REQUIRE(both.size() == 2);
  CHECK(both[0] ==
        "port 8080/tcp waits for firewalld's administrator (StrictForwardPorts): firewall-cmd "
        "--add-forward-port=port=8080:proto=tcp:toport=80:toaddr=10.1.0.2");
  CHECK(both[1].find("port=9000-9002:proto=tcp:toport=90-92:") != std::string::npos);

  CHECK(waiting(ports, {{"8080", "tcp", "80", "10.1.0.2"}}).size() == 1);
  CHECK(waiting(ports, {{"8000-9002", "tcp", "", "10.1.0.2"}}).empty());
  CHECK(waiting(ports, {{"9000-9001", "tcp", "", ""}, {"8080", "udp", "", ""}}).size() == 2);
  CHECK(waiting(ports, {{"9000-9001", "tcp", "", ""}, {"9002", "tcp", "", ""}}).size() == 1);
  CHECK(waiting(ports, {{"", "tcp", "", ""}, {"x-y", "tcp", "", ""}}).size() == 2);
  CHECK(waiting(ports, {}, ForwardPorts::anybodys).empty());
  CHECK(waiting_ports(ports, std::nullopt, std::nullopt, std::nullopt).empty());
}

TEST_CASE("ports that wait are said by the set-up, which goes on") {
  const auto plan = planned(host_with(
      FirewalldSnapshot{.zone = "burrow", .forward_ports = ForwardPorts::own_only}, "burrow"));
  CHECK(plan.warnings.size() == 2);  // tcp and udp
  CHECK(find<CreateVeth>(plan.plan.steps) != nullptr);
}
