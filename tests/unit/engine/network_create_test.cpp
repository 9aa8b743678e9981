#include "engine/network_create.h"

#include <doctest/doctest.h>

#include "engine/network_flags.h"

using namespace burrow;
using namespace burrow::engine;

namespace {

Birth birth() {
  return {.id = std::string(64, 'a'), .created = "2026-01-01T00:00:00Z", .random = [] {
            return uint64_t{0x0123456789abcdef};
          }};
}

Result<netstack::Network> plan(const NewNetwork& wanted, const InUse& in_use = {}) {
  return plan_network(wanted, in_use, birth(), default_pools());
}

NewNetwork named(const std::string& name) { return {.name = name}; }

NewNetwork with_flags(const NetworkFlags& flags) {
  auto wanted = named("n");
  REQUIRE(apply_flags(flags, wanted));
  return wanted;
}

IpNetwork prefix(std::string_view text) { return IpNetwork::parse(text).value(); }

}  // namespace

TEST_CASE("a network without wishes gets the next name, bridge, subnet and gateway") {
  const auto network = plan({});
  REQUIRE(network);
  CHECK(network->name.str() == "burrow1");
  CHECK(network->interface->str() == "burrow1");
  REQUIRE(network->subnets.size() == 1);
  CHECK(network->subnets[0].network.to_string() == "10.89.0.0/24");
  CHECK(network->subnets[0].gateway->to_string() == "10.89.0.1");
  CHECK(network->has_dns);
  CHECK_FALSE(network->has_ipv6);
  CHECK(network->ipam_options.at("driver") == "host-local");
}

TEST_CASE("names, bridges, links and prefixes in use are kept clear of") {
  InUse in_use{.networks = {plan({}).value()},
               .host = {.links = {"burrow2"}, .prefixes = {prefix("10.89.1.0/25")}}};
  const auto network = plan({}, in_use);
  REQUIRE(network);
  CHECK(network->name.str() == "burrow3");
  CHECK(network->subnets[0].network.to_string() == "10.89.2.0/24");
  in_use.host.prefixes = {prefix("10.89.0.0/16")};
  CHECK(plan({}, in_use)->subnets[0].network.to_string() == "10.90.0.0/24");
  in_use.host.prefixes = {prefix("10.0.0.0/8")};
  const auto full = plan({}, in_use);
  REQUIRE_FALSE(full);
  CHECK(full.error().code == Errc::exhausted);
}

TEST_CASE("--ipv6 adds the family that is missing") {
  NewNetwork wanted{.wants_ipv6 = true};
  CHECK(plan(wanted)->subnets.size() == 2);
  CHECK(plan(wanted)->subnets[1].network.to_string() == "fdcd:ab89:6745:2301::/64");
  CHECK(plan(wanted)->has_ipv6);
  wanted = with_flags({.subnets = {"fd00:5::/64"}});
  CHECK(plan(wanted)->subnets.size() == 1);
  CHECK(plan(wanted)->has_ipv6);
  wanted.wants_ipv6 = true;
  CHECK(plan(wanted)->subnets[1].network.to_string() == "10.89.0.0/24");
}

TEST_CASE("an internal network has a gateway only for its DNS") {
  CHECK(plan({.is_internal = true})->subnets[0].gateway);
  CHECK_FALSE(plan({.is_internal = true, .has_dns = false})->subnets[0].gateway);
}

TEST_CASE("gateways and ranges belong to the subnet of the same position") {
  const auto network = plan(with_flags({.subnets = {"10.1.0.0/24", "fd00:7::/64"},
                                        .gateways = {"10.1.0.9"},
                                        .ranges = {"10.1.0.64/26", "fd00:7::5-fd00:7::9"}}));
  REQUIRE(network);
  CHECK(network->subnets[0].gateway->to_string() == "10.1.0.9");
  CHECK(network->subnets[0].lease_range->start->to_string() == "10.1.0.65");
  CHECK(network->subnets[0].lease_range->end->to_string() == "10.1.0.127");
  CHECK(network->subnets[1].gateway->to_string() == "fd00:7::1");
  CHECK(network->subnets[1].lease_range->end->to_string() == "fd00:7::9");
}

TEST_CASE("Docker's option names are taken as ours") {
  auto wanted = named("n");
  wanted.options = {{"com.docker.network.driver.mtu", "1400"},
                    {"com.docker.network.bridge.name", "br-x"}};
  CHECK(plan(wanted)->options == netstack::Strings{{"mtu", "1400"}});
  CHECK(plan(wanted)->interface->str() == "br-x");
}

TEST_CASE("gateways cannot be made in subnets without room") {
  for (const auto* subnet : {"10.1.0.0/31", "10.1.0.0/32", "fd00::/128"}) {
    CAPTURE(subnet);
    CHECK_FALSE(plan(with_flags({.subnets = {subnet}})));
  }
  CHECK(plan(with_flags({.subnets = {"10.1.0.0/30"}})));
  CHECK(plan(with_flags({.subnets = {"fd00::/127"}})));
}

TEST_CASE("an existing name is told apart from bad input") {
  const InUse in_use{.networks = {plan(named("one")).value()}};
  const auto again = plan(named("one"), in_use);
  REQUIRE_FALSE(again);
  CHECK(again.error().code == Errc::already_exists);
  CHECK(again.error().message == "network already exists one");
  CHECK(plan(named("none")).error().code == Errc::invalid_input);
}
