#include "netstack/firewall_view.h"

#include <doctest/doctest.h>

#include "firewall/policy.h"

using namespace burrow;
using namespace burrow::netstack;

TEST_CASE("elements read back as networks and ports") {
  auto elements = firewall::compile(
      {.name = *NetworkName::parse("front"),
       .bridge = *LinkName::parse("br0"),
       .subnets = {*IpNetwork::parse("10.0.0.0/24"), *IpNetwork::parse("fd00::/64")},
       .isolation = firewall::Isolation::strict,
       .reach = firewall::Reach::internal,
       .outbound4 = *IpAddress::parse("192.0.2.1"),
       .dns = {{*IpAddress::parse("10.0.0.1"), 5353}}});
  const auto published =
      *firewall::compile(firewall::Publication{.container = *ContainerId::parse("0123456789ab"),
                                               .container_name = "web",
                                               .network = *NetworkName::parse("front"),
                                               .ports = {{.host_port = 8080, .container_port = 80}},
                                               .address4 = *IpAddress::parse("10.0.0.2"),
                                               .address6 = *IpAddress::parse("fd00::2")});
  elements.insert(elements.end(), published.begin(), published.end());
  const auto view = view_of(firewall::TableState::current, elements);
  REQUIRE(view.networks.size() == 1);
  const auto& network = view.networks.front();
  CHECK(network.name == "front");
  CHECK(network.bridge == "br0");
  CHECK(network.subnets == std::vector<std::string>{"10.0.0.0/24", "fd00::/64"});
  CHECK(network.isolation == "strict");
  CHECK(network.is_internal);
  CHECK(network.outbound.at("10.0.0.0/24") == "192.0.2.1");
  CHECK(network.dns == std::vector<std::string>{"10.0.0.1 . 5353"});
  REQUIRE(view.ports.size() == 2);
  const auto ports = encode(view)["ports"];
  CHECK(ports[0]["to"] == "10.0.0.2:80");
  CHECK(ports[1]["to"] == "[fd00::2]:80");
  CHECK(ports[1]["host_address"] == "::");
}

TEST_CASE("limits read back by owner and word, each value once") {
  firewall::Limits limits;
  limits.egress.allow.emplace();
  limits.egress.deny = {*IpNetwork::parse("10.0.0.0/8"), *IpNetwork::parse("fd00::/8")};
  limits.packet_rate = *Rate::parse("9/minute");
  auto elements = firewall::compile(
      {.container = *ContainerId::parse("0123456789ab"),
       .container_name = "web",
       .network = *NetworkName::parse("front"),
       .addresses = {*IpAddress::parse("10.0.0.2"), *IpAddress::parse("fd00::2")}},
      limits);
  const auto network =
      firewall::compile(*NetworkName::parse("front"), *LinkName::parse("br0"), limits);
  elements.insert(elements.end(), network.begin(), network.end());
  const auto view = view_of(firewall::TableState::current, elements);
  CHECK(view.networks.empty());
  REQUIRE(view.limits.size() == 5);
  CHECK(view.limits[0].owner == "container web (0123456789ab) on network front");
  CHECK(view.limits[0].limit == "egress_allow");
  CHECK(view.limits[0].values.empty());
  CHECK(view.limits[1].values == std::vector<std::string>{"10.0.0.0/8", "fd00::/8"});
  CHECK(view.limits[2].limit == "packet_rate");
  CHECK(view.limits[2].values == std::vector<std::string>{"9/minute burst 9"});
  CHECK(view.limits[4].owner == "network front");
  CHECK(encode(view)["limits"][1]["limit"] == "egress_deny");
  const auto text = to_text(view);
  CHECK(text.find("egress_allow  none") != std::string::npos);
}

TEST_CASE("chains of others are named with the networks that rules of ours accept there") {
  FirewallView view{
      .table = firewall::TableState::current,
      .networks = {{.name = "front", .bridge = "br0"}, {.name = "back", .bridge = "br1"}},
      .ports = {},
      .limits = {}};
  CHECK(to_text(view).find("ACCEPTED") == std::string::npos);
  CHECK_FALSE(encode(view)["networks"][0].contains("accepted_in"));
  firewall::ForeignRule ours{.is_conditional = true};
  ours.accept = {.in = {},
                 .out = *LinkName::parse("br0"),
                 .protocol = {},
                 .port = {},
                 .comment = "burrow: network front"};
  auto theirs = ours;
  theirs.accept->out = *LinkName::parse("br1");
  theirs.accept->comment = "mine";
  add_accepts({.generation = 1,
               .chains = {{.place = {.family = firewall::TableFamily::ip,
                                     .table = "filter",
                                     .chain = "FORWARD"},
                           .hook = firewall::ChainHook::forward,
                           .policy = firewall::ChainPolicy::drop,
                           .uses = 2,
                           .is_cut = false,
                           .rules = {ours, theirs}}}},
              view);
  CHECK(view.networks[0].accepted_in == std::vector<std::string>{"ip filter FORWARD"});
  CHECK(view.networks[1].accepted_in.empty());
  CHECK(to_text(view).find("ip filter FORWARD  front") != std::string::npos);
  CHECK(encode(view)["networks"][0]["accepted_in"][0] == "ip filter FORWARD");
}

TEST_CASE("names stand in the lists of their owners, which may have nothing else") {
  firewall::Limits limits;
  limits.egress.allow.emplace();
  limits.egress.allow_names = {*NamePattern::parse("a.example")};
  const auto elements = firewall::compile({.container = *ContainerId::parse("3f1c"),
                                           .container_name = "web",
                                           .network = *NetworkName::parse("front"),
                                           .addresses = {*IpAddress::parse("10.0.0.2")}},
                                          limits);
  auto view = view_of(firewall::TableState::current, elements);
  const std::string owner = "container web (3f1c) on network front";
  add_names(std::vector<ListedNames>{{owner, firewall::LimitKind::egress_deny, {"b.example"}},
                                     {owner, firewall::LimitKind::egress_allow, {"a.example"}}},
            view);
  REQUIRE(view.limits.size() == 2);
  CHECK(view.limits[0].limit == "egress_allow");
  CHECK(view.limits[0].values == std::vector<std::string>{"a.example"});
  CHECK(view.limits[1].limit == "egress_deny");
  CHECK(view.limits[1].values == std::vector<std::string>{"b.example"});
}

TEST_CASE("counters of links are read from the kernel's table, torn lines are left out") {
  const auto traffic = parse_traffic(
      "Inter-|   Receive  |  Transmit\n face |bytes packets\n"
      "  br0: 100 2 0 0 0 0 0 0 300 4 0 0 0 0 0 0\nlo: 1 2 3\nbr1:\n: \n");
  REQUIRE(traffic.contains("br0"));
  CHECK(traffic.at("br0").bytes_in == 100);
  CHECK(traffic.at("br0").packets_in == 2);
  CHECK(traffic.at("br0").bytes_out == 300);
  CHECK(traffic.at("br0").packets_out == 4);
  CHECK(traffic.size() == 1);
}

TEST_CASE("flows are counted at the port that led them") {
  const auto address = [](const char* text) { return *IpAddress::parse(text); };
  const auto published = *firewall::compile(firewall::Publication{
      .container = *ContainerId::parse("0123456789ab"),
      .container_name = "web",
      .network = *NetworkName::parse("front"),
      .ports = {{.host_port = 8080, .container_port = 80},
                {.host_address = address("192.0.2.1"), .host_port = 8443, .container_port = 443}},
      .address4 = address("10.0.0.2")});
  auto view = view_of(firewall::TableState::current, published);
  const auto led = [&](const char* host, uint16_t port, uint16_t to_port) {
    return firewall::LedPort{Protocol::tcp, address(host), port, address("10.0.0.2"), to_port};
  };
  enter_traffic({{led("192.0.2.1", 8080, 80), {2, 100, 200}},
                 {led("127.0.0.1", 8080, 80), {1, 10, 20}},
                 {led("192.0.2.9", 8443, 443), {7, 1, 1}},  // another address than the published
                 {led("192.0.2.1", 8080, 81), {7, 1, 1}}},  // where the port led before
                view);
  const auto ports = encode(view)["ports"];
  CHECK(ports[0]["traffic"] ==
        Json{{"connections", 3}, {"bytes_to_container", 110}, {"bytes_from_container", 220}});
  CHECK(ports[1]["traffic"] == Json{{"connections", 0}});
  // What is not counted is not said to be nothing.
  enter_traffic(
      {{led("192.0.2.1", 8080, 80), {2, {}, {}}}, {led("127.0.0.1", 8080, 80), {1, 1, 1}}}, view);
  CHECK(encode(view)["ports"][0]["traffic"] == Json{{"connections", 3}});
  CHECK(to_text(view).find("not counted") != std::string::npos);
}
