#include "firewall/policy.h"

#include <doctest/doctest.h>

#include <algorithm>

namespace burrow::firewall {
namespace {

IpAddress ip(std::string_view text) { return *IpAddress::parse(text); }
IpNetwork prefix(std::string_view text) { return *IpNetwork::parse(text); }

std::vector<std::string> texts(const std::vector<Element>& elements) {
  std::vector<std::string> lines;
  for (const auto& element : elements) lines.push_back(to_string(element));
  return lines;
}

NetworkPolicy front() {
  return {.name = *NetworkName::parse("front"), .bridge = *LinkName::parse("br0")};
}

Publication web(std::vector<PortMapping> ports) {
  return {.container = *ContainerId::parse("web1"),
          .container_name = "web",
          .network = *NetworkName::parse("front"),
          .ports = std::move(ports),
          .address4 = ip("10.89.0.2"),
          .address6 = ip("fd00::2")};
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("a network without subnets is a bridge that is one network with itself") {
  CHECK(texts(compile(front())) == Lines{"bridges { br0 }", "same_bridge { br0 . br0 }"});
}

TEST_CASE("modes of a network are memberships of its bridge") {
  auto policy = front();
  policy.isolation = Isolation::isolated;
  CHECK(std::ranges::count(texts(compile(policy)), "isolated { br0 }") == 1);
  policy.isolation = Isolation::strict;
  policy.reach = Reach::internal;
  const auto lines = texts(compile(policy));
  CHECK(std::ranges::count(lines, "isolated { br0 }") == 0);
  CHECK(std::ranges::count(lines, "strict { br0 }") == 1);
  CHECK(std::ranges::count(lines, "internal { br0 }") == 1);
}

TEST_CASE(
    "a routed network's subnets are reached and leave as they are, a translated one's are not") {
  auto policy = front();
  policy.subnets = {prefix("10.1.0.0/24"), prefix("fd00::/64")};
  const auto translated = texts(compile(policy));
  policy.gateway = GatewayMode::routed;
  auto routed = texts(compile(policy));
  CHECK(std::erase(routed, "routed4 { 10.1.0.0/24 }") == 1);
  CHECK(std::erase(routed, "routed6 { fd00::/64 }") == 1);
  CHECK(routed == translated);
}

TEST_CASE("subnets of one family are pairs of one network, outbound addresses go by family") {
  auto policy = front();
  policy.subnets = {prefix("10.1.0.0/24"), prefix("fd00::/64"), prefix("10.2.0.0/24")};
  policy.outbound4 = ip("192.0.2.5");
  policy.outbound6 = ip("192.0.2.6");  // of the wrong family: nothing to translate to
  policy.loopback6 = Loopback6::reachable;
  CHECK(texts(compile(policy)) == Lines{
                                      "bridges { br0 }",
                                      "same_bridge { br0 . br0 }",
                                      "subnets4 { 10.1.0.0/24 }",
                                      "subnets4 { 10.2.0.0/24 }",
                                      "subnets6 { fd00::/64 }",
                                      "same_network4 { 10.1.0.0/24 . 10.1.0.0/24 }",
                                      "same_network4 { 10.1.0.0/24 . 10.2.0.0/24 }",
                                      "same_network4 { 10.2.0.0/24 . 10.1.0.0/24 }",
                                      "same_network4 { 10.2.0.0/24 . 10.2.0.0/24 }",
                                      "same_network6 { fd00::/64 . fd00::/64 }",
                                      "snat4 { 10.1.0.0/24 : 192.0.2.5 }",
                                      "snat4 { 10.2.0.0/24 : 192.0.2.5 }",
                                      "loopback6 { fd00::/64 }",
                                  });
}

TEST_CASE("a DNS listener takes both protocols of its address") {
  auto policy = front();
  policy.dns = {{ip("10.1.0.1"), 1153}, {ip("fd00::1"), 53}};
  const auto lines = texts(compile(policy));
  CHECK(std::ranges::count(lines, "dns4 { 10.1.0.1 . tcp . 53 : 10.1.0.1 . 1153 }") == 1);
  CHECK(std::ranges::count(lines, "dns4 { 10.1.0.1 . udp . 53 : 10.1.0.1 . 1153 }") == 1);
  CHECK(std::ranges::count(lines, "dns6 { fd00::1 . udp . 53 : fd00::1 . 53 }") == 1);
}

TEST_CASE("a port without host address is published in both families") {
  CHECK(
      texts(*compile(web({{.host_port = 8080, .container_port = 80}}))) ==
      Lines{"publish4 { tcp . 8080 : 10.89.0.2 . 80 }", "publish6 { tcp . 8080 : fd00::2 . 80 }"});
}

TEST_CASE("wildcard addresses publish in their family, others at themselves") {
  const auto elements = compile(web({
      {.host_address = ip("0.0.0.0"), .host_port = 1, .container_port = 80},
      {.host_address = ip("::"), .host_port = 2, .container_port = 80},
      {.host_address = ip("127.0.0.1"), .host_port = 3, .container_port = 80},
      {.host_address = ip("2001:db8::1"),
       .host_port = 4,
       .container_port = 80,
       .protocol = Protocol::sctp},
  }));
  CHECK(texts(*elements) == Lines{
                                "publish4 { tcp . 1 : 10.89.0.2 . 80 }",
                                "publish4_at { 127.0.0.1 . tcp . 3 : 10.89.0.2 . 80 }",
                                "publish6 { tcp . 2 : fd00::2 . 80 }",
                                "publish6_at { 2001:db8::1 . sctp . 4 : fd00::2 . 80 }",
                            });
}

TEST_CASE("mappings of a family that the container has no address in have no effect") {
  auto publication = web({{.host_port = 1, .container_port = 1},
                          {.host_address = ip("::"), .host_port = 2, .container_port = 2}});
  publication.address6.reset();
  CHECK(texts(*compile(publication)) == Lines{"publish4 { tcp . 1 : 10.89.0.2 . 1 }"});
  publication.address4.reset();
  CHECK(compile(publication)->empty());
}

TEST_CASE("shifted ranges are one element per port, long equal ones an interval") {
  auto publication = web({{.host_port = 100, .container_port = 200, .count = 2},
                          {.host_port = 1000, .container_port = 1000, .count = 16},
                          {.host_port = 2000, .container_port = 2000, .count = 2}});
  publication.address6.reset();
  CHECK(texts(*compile(publication)) == Lines{
                                            "publish4 { tcp . 100 : 10.89.0.2 . 200 }",
                                            "publish4 { tcp . 101 : 10.89.0.2 . 201 }",
                                            "publish4 { tcp . 2000 : 10.89.0.2 . 2000 }",
                                            "publish4 { tcp . 2001 : 10.89.0.2 . 2001 }",
                                            "publish4_range { tcp . 1000-1015 : 10.89.0.2 }",
                                        });
}

TEST_CASE("a range at a host address is one element per port") {
  auto publication = web(
      {{.host_address = ip("127.0.0.1"), .host_port = 1000, .container_port = 1000, .count = 20}});
  const auto elements = compile(publication);
  CHECK(elements->size() == 20);
  CHECK(std::ranges::all_of(*elements,
                            [](const Element& one) { return one.set == SetName::publish4_at; }));
}

TEST_CASE("the whole port range is one interval") {
  auto publication = web({{.host_port = 1, .container_port = 1, .count = 65535}});
  CHECK(texts(*compile(publication)) == Lines{"publish4_range { tcp . 1-65535 : 10.89.0.2 }",
                                              "publish6_range { tcp . 1-65535 : fd00::2 }"});
}

TEST_CASE("mappings that say the same are collapsed") {
  auto publication = web({
      {.host_port = 80, .container_port = 80},
      {.host_port = 80, .container_port = 80},
      {.host_address = ip("::"), .host_port = 80, .container_port = 80},
      {.host_address = ip("127.0.0.1"), .host_port = 80, .container_port = 80},
      {.host_port = 100, .container_port = 100, .count = 12},
      {.host_port = 108, .container_port = 108, .count = 12},
  });
  CHECK(texts(*compile(publication)) == Lines{
                                            "publish4 { tcp . 80 : 10.89.0.2 . 80 }",
                                            "publish4_range { tcp . 100-119 : 10.89.0.2 }",
                                            "publish6 { tcp . 80 : fd00::2 . 80 }",
                                            "publish6_range { tcp . 100-119 : fd00::2 }",
                                        });
}

TEST_CASE("one host port cannot lead to two places") {
  const auto error = [](std::vector<PortMapping> ports) {
    const auto elements = compile(web(std::move(ports)));
    REQUIRE_FALSE(elements.has_value());
    CHECK(elements.error().code == Errc::invalid_input);
    return elements.error().message;
  };
  CHECK(error({{.host_port = 80, .container_port = 80}, {.host_port = 80, .container_port = 81}}) ==
        "host port 80/tcp is mapped twice: to container port 80 and to 81");
  CHECK(error({{.host_port = 80, .container_port = 80},
               {.host_address = ip("127.0.0.1"), .host_port = 80, .container_port = 81}}) ==
        "host port 127.0.0.1:80/tcp is mapped twice: to container port 81 and to 80");
  CHECK(error({{.host_port = 100, .container_port = 100, .count = 20},
               {.host_port = 119, .container_port = 1}}) ==
        "host port 119/tcp is mapped twice: to container port 119 and to 1");
  CHECK(error({{.host_port = 65535, .container_port = 80, .count = 2}}).find("65535") !=
        std::string::npos);
}

TEST_CASE("how many ports one request can publish is bounded") {
  std::vector<PortMapping> ports;
  for (int i = 1; i <= 5; ++i) {
    ports.push_back({.host_address = ip("127.0.0." + std::to_string(i)),
                     .host_port = 1,
                     .container_port = 1,
                     .count = 65535});
  }
  const auto elements = compile(web(ports));
  REQUIRE_FALSE(elements.has_value());
  CHECK(elements.error().message == "more than 262144 ports are published");
}

TEST_CASE("owners fit into a comment, differ when they differ, and read well") {
  auto publication = web({});
  publication.container =
      *ContainerId::parse("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
  CHECK(owner_comment(publication) == "container web (0123456789ab) on network front");
  CHECK(describe_owner(owner_comment(publication)) == "container \"web\" on network \"front\"");
  CHECK(describe_owner(owner_comment(publication.network)) == "network \"front\"");
  CHECK(describe_owner("something") == "\"something\"");

  publication.container_name = std::string(253, 'n');
  publication.container = *ContainerId::parse(std::string(128, 'z'));
  publication.network = *NetworkName::parse(std::string(120, 'w'));
  const auto longest = owner_comment(publication);
  CHECK(longest.size() <= kLongestOwner);
  publication.network = *NetworkName::parse(std::string(119, 'w') + "x");
  CHECK(owner_comment(publication) != longest);
  CHECK(owner_comment(publication.network).size() <= kLongestOwner);

  publication.container_name = "two words (\"quoted\")\n";
  CHECK(describe_owner(owner_comment(publication)).starts_with("container \"two_words_"));
}

TEST_CASE("the host's firewall is asked about each published port, but those on the loopback") {
  const auto asked = [](PortMapping mapping, Publishing publishing) {
    auto publication = web({mapping});
    publication.publishing = publishing;
    auto lines = texts(*compile(publication));
    std::erase_if(lines, [](const std::string& line) { return !line.starts_with("asked"); });
    return lines;
  };
  const PortMapping everywhere{.host_port = 8080, .container_port = 80};
  CHECK(asked(everywhere, Publishing::open).empty());
  CHECK(asked(everywhere, Publishing::host_firewall) ==
        Lines{"asked4 { 0.0.0.0/0 . tcp . 8080 }", "asked6 { ::/0 . tcp . 8080 }"});
  auto at = everywhere;
  at.host_address = ip("192.0.2.5");
  CHECK(asked(at, Publishing::host_firewall) == Lines{"asked4 { 192.0.2.5/32 . tcp . 8080 }"});
  at.host_address = ip("127.0.0.1");
  CHECK(asked(at, Publishing::host_firewall).empty());
  const PortMapping range{.host_port = 7000, .container_port = 7000, .count = 20};
  CHECK(asked(range, Publishing::host_firewall).front() ==
        "asked4 { 0.0.0.0/0 . tcp . 7000-7019 }");
}

}  // namespace burrow::firewall
