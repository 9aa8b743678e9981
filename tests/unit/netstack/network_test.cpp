#include "netstack/network.h"

#include <doctest/doctest.h>

#include <string>

using namespace burrow;
using namespace burrow::netstack;

namespace {

// A network's document with `members` in front of the required ones.
std::string document(const std::string& members) {
  return R"({)" + members +
         R"("name": "front", "id": "fc8c", "driver": "bridge", "ipv6_enabled": false,)"
         R"( "internal": false, "dns_enabled": true})";
}

Result<Network> decode(const std::string& text) {
  const auto json = TRY(parse_json(text));
  return decode_network(JsonCursor{json});
}

std::string error_of(const std::string& members) {
  const auto network = decode(document(members));
  return network ? "" : network.error().message;
}

}  // namespace

TEST_CASE("a network keeps subnets, routes and servers in their order") {
  const auto network = decode(document(R"(
    "subnets": [{"subnet": "10.30.0.0/24", "gateway": "10.30.0.1",
                 "lease_range": {"start_ip": "10.30.0.129", "end_ip": ""}},
                {"subnet": "fd00:30::/64"}],
    "routes": [{"destination": "10.9.0.0/16", "gateway": "10.30.0.7", "metric": 7},
               {"destination": "fd00:9::/48", "route_type": "prohibit"}],
    "network_dns_servers": ["192.0.2.2", "192.0.2.1"],
    "options": {"mtu": "1400"}, )"));
  REQUIRE(network);
  REQUIRE(network->subnets.size() == 2);
  CHECK(network->subnets[0].network.to_string() == "10.30.0.0/24");
  CHECK(network->subnets[0].gateway->to_string() == "10.30.0.1");
  CHECK(network->subnets[0].lease_range->start->to_string() == "10.30.0.129");
  CHECK_FALSE(network->subnets[0].lease_range->end);
  CHECK_FALSE(network->subnets[1].gateway);
  REQUIRE(network->routes.size() == 2);
  CHECK(network->routes[0].metric == 7);
  CHECK(network->routes[0].type == RouteType::unicast);
  CHECK(network->routes[1].type == RouteType::prohibit);
  CHECK_FALSE(network->routes[1].metric);
  CHECK(network->dns_servers[0].to_string() == "192.0.2.2");
  CHECK(network->options.at("mtu") == "1400");
}

TEST_CASE("host bits of a subnet are cleared") {
  const auto network = decode(document(R"("subnets": [{"subnet": "10.30.0.7/24"}], )"));
  REQUIRE(network);
  CHECK(network->subnets[0].network.to_string() == "10.30.0.0/24");
}

TEST_CASE("an error names the place and what was found") {
  const auto has = [](const std::string& members, const std::string& place,
                      const std::string& found) {
    const auto error = error_of(members);
    CAPTURE(error);
    CHECK(error.find(place) != std::string::npos);
    CHECK(error.find(found) != std::string::npos);
  };
  has(R"("subnets": [{"subnet": "10.0.0.0/24"}, {"subnet": "10.0.0.0/33"}], )", "subnets[1].subnet",
      "10.0.0.0/33");
  has(R"("subnets": [{"subnet": "10.0.0.0/24", "gateway": "10.0.1.1"}], )", "subnets[0]",
      "10.0.1.1");
  has(R"("subnets": [{"subnet": "10.0.0.0/8"}, {"subnet": "10.1.0.0/16"}], )", "10.0.0.0/8",
      "10.1.0.0/16");
  has(R"("routes": [{"destination": "10.9.0.0/16"}], )", "routes[0]", "10.9.0.0/16");
  has(R"("routes": [{"destination": "10.9.0.0/16", "gateway": "fd00::1"}], )", "routes[0]",
      "fd00::1");
  has(R"("routes": [{"destination": "10.9.0.1/16", "gateway": "10.0.0.1"}], )", "routes[0]",
      "10.9.0.1/16");
  has(R"("routes": [{"destination": "::/0", "gateway": "::1", "route_type": "anycast"}], )",
      "routes[0].route_type", "anycast");
  has(R"("network_interface": "sixteen-bytes-xx", )", "network_interface", "sixteen-bytes-xx");
  has(R"("network_dns_servers": ["192.0.2.1", "x"], )", "network_dns_servers[1]", "\"x\"");
  has(R"("options": {"mtu": 1500}, )", "options.mtu", "number");
}

TEST_CASE("what encode writes is what decode read") {
  const auto network = decode(document(R"(
    "network_interface": "podman1", "created": "2026-01-02T03:04:05Z",
    "subnets": [{"subnet": "10.30.0.0/24", "gateway": "10.30.0.1",
                 "lease_range": {"start_ip": "10.30.0.129", "end_ip": "10.30.0.200"}}],
    "routes": [{"destination": "10.9.0.0/16", "gateway": "10.30.0.7", "metric": 0},
               {"destination": "10.8.0.0/16", "route_type": "unreachable"}],
    "network_dns_servers": ["192.0.2.2"], "labels": {"tier": "web"},
    "options": {"isolate": "true"}, "ipam_options": {"driver": "host-local"}, )"));
  REQUIRE(network);
  const auto text = encode(*network).dump();
  const auto again = decode(text);
  REQUIRE(again);
  CHECK(encode(*again).dump() == text);
  CHECK(text.find("\"metric\":0") != std::string::npos);
  CHECK(text.find("unreachable") != std::string::npos);
}

TEST_CASE("empty members are left out when a network is written") {
  const auto network = decode(document(R"("labels": {}, "subnets": [], )"));
  REQUIRE(network);
  const auto json = encode(*network);
  CHECK_FALSE(json.contains("labels"));
  CHECK_FALSE(json.contains("subnets"));
  CHECK_FALSE(json.contains("network_interface"));
  CHECK(json["dns_enabled"] == true);
}
