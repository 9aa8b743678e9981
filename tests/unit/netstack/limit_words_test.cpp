#include "netstack/limit_words.h"

#include <doctest/doctest.h>

#include "netstack/driver_options.h"

using namespace burrow;
using namespace burrow::netstack;

namespace {

std::string trouble(const std::string& key, const std::string& word) {
  const auto limits = read_limits({{key, word}});
  REQUIRE_FALSE_MESSAGE(limits.has_value(), word);
  CHECK(limits.error().code == Errc::invalid_input);
  CHECK(limits.error().message.find(key) != std::string::npos);
  // Definitions are checked by the same rules.
  const auto checked = check_options(Driver::bridge, {{key, word}});
  REQUIRE_FALSE(checked.has_value());
  CHECK(checked.error().message == limits.error().message);
  return limits.error().message;
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

}  // namespace

TEST_CASE("limits are read from the options of a network or container") {
  const auto limits = read_limits({{"egress_allow", "10.0.0.0/8;fd00::/8,192.0.2.1"},
                                   {"ingress_allow", "none"},
                                   {"ingress_deny", "::/0"},
                                   {"connection_rate", "100/second"},
                                   {"connections", "500"},
                                   {"mtu", "1500"}});
  REQUIRE(limits.has_value());
  CHECK(limits->egress.allow == std::vector{*IpNetwork::parse("10.0.0.0/8"),
                                            *IpNetwork::parse("fd00::/8"),
                                            *IpNetwork::parse("192.0.2.1/32")});
  CHECK(limits->egress.deny.empty());
  REQUIRE(limits->ingress.allow.has_value());
  CHECK(limits->ingress.allow->empty());
  CHECK(limits->ingress.deny == std::vector{*IpNetwork::parse("::/0")});
  CHECK(limits->connection_rate == Rate{100, Rate::Unit::second, 100});
  CHECK(limits->connections == firewall::ConnectionCount{500});
  CHECK_FALSE(limits->packet_rate.has_value());
  CHECK(read_limits({{"mtu", "1500"}})->empty());
}

TEST_CASE("a word that is no limit is refused with the option and what was found") {
  for (const auto* key : {"egress_allow", "egress_deny", "ingress_allow", "ingress_deny"}) {
    CHECK(has(trouble(key, "10.0.0.1/8"), "host bits set: \"10.0.0.1/8\""));
    CHECK(has(trouble(key, "10.0.0.0/33"), "10.0.0.0/33"));
    CHECK(has(trouble(key, "10.0.0.0/8,"), "\"\""));
    CHECK(has(trouble(key, ""), "none"));
    CHECK(has(trouble(key, "none,10.0.0.0/8"), "\"none\""));
    CHECK(has(trouble(key, "10.0.0.0/8,none"), "\"none\""));
    CHECK(has(trouble(key, "10.0.0.0/8,10.0.0.0/8"), "\"10.0.0.0/8\" stands there twice"));
    CHECK(has(trouble(key, "192.0.2.1,192.0.2.1/32"), "\"192.0.2.1/32\" stands there twice"));
    CHECK(has(trouble(key, "10.0.0.0/8, 192.0.2.1"), "\" 192.0.2.1\""));
  }
  CHECK(has(trouble("connections", "0"), "found \"0\""));
  CHECK(has(trouble("connections", "-1"), "found \"-1\""));
  CHECK(has(trouble("connections", "10000001"), "a number from 1"));
  for (const auto* key : {"connection_rate", "packet_rate"}) {
    CHECK(has(trouble(key, "0/second"), "not a rate: \"0/second\""));
    CHECK(has(trouble(key, "10/fortnight"), "not a rate: \"10/fortnight\""));
  }
}

TEST_CASE("lists of whom one sends to take names of hosts, lists of who may send do not") {
  const auto limits =
      read_limits({{"egress_allow", "Deb.Debian.org.,10.0.0.0/8,*.example.com,face.cafe"},
                   {"egress_deny", "ads.example"}});
  REQUIRE(limits.has_value());
  CHECK(limits->egress.allow == std::vector{*IpNetwork::parse("10.0.0.0/8")});
  CHECK(limits->egress.allow_names == std::vector{*NamePattern::parse("deb.debian.org"),
                                                  *NamePattern::parse("*.example.com"),
                                                  *NamePattern::parse("face.cafe")});
  CHECK(limits->egress.deny_names == std::vector{*NamePattern::parse("ads.example")});
  CHECK(limits->egress.has_names());
  // Names alone confine, too.
  CHECK(read_limits({{"egress_allow", "a.example"}})->egress.allow ==
        std::optional<std::vector<IpNetwork>>{std::vector<IpNetwork>{}});
  for (const auto* key : {"egress_allow", "egress_deny"}) {
    CHECK(has(trouble(key, "a.example,A.example."), "\"a.example\" stands there twice"));
    CHECK(has(trouble(key, "*"), "is no name of hosts"));
    CHECK(has(trouble(key, "a..example"), "is no name of hosts"));
    CHECK(has(trouble(key, "a.*.example"), "is no name of hosts"));
    CHECK(has(trouble(key, "a.example b.example"), "is no name of hosts"));
  }
  for (const auto* key : {"ingress_allow", "ingress_deny"}) {
    CHECK(has(trouble(key, "example.org"), "\"example.org\" is a name"));
  }
  std::string list = "10.0.0.0/8";
  for (int i = 1; i < 256; ++i) list += fmt::format(",h{}.example", i);
  CHECK(read_limits({{"egress_deny", list}})->egress.deny_names.size() == 255);
  CHECK(has(trouble("egress_deny", list + ",more.example"), "more than 256 entries"));
}

TEST_CASE("a list has at most 256 entries, and a hostile one is refused early") {
  std::string list = "10.0.0.0/32";
  for (int i = 1; i < 256; ++i) list += fmt::format(",10.0.0.{}/32", i);
  CHECK(read_limits({{"egress_deny", list}})->egress.deny.size() == 256);
  CHECK(has(trouble("egress_deny", list + ",10.0.1.0/32"), "more than 256 entries"));
  CHECK(trouble("egress_deny", std::string(1 << 20, ',')).size() < 200);
  CHECK(trouble("egress_deny", std::string(1 << 20, 'a')).size() < 200);
}

TEST_CASE("a network's rates are each container's, unless it has others; its lists are its own") {
  const auto network = *read_limits(
      {{"connection_rate", "1/second"}, {"connections", "5"}, {"egress_deny", "10.0.0.0/8"}});
  const auto own = *read_limits({{"connections", "7"}, {"packet_rate", "9/minute"}});
  const auto both = limits_of_container(own, network);
  CHECK(both.connection_rate == network.connection_rate);
  CHECK(both.connections == own.connections);
  CHECK(both.packet_rate == own.packet_rate);
  CHECK(both.egress == firewall::PeerList{});
}

TEST_CASE("where nothing would hold limits they are refused") {
  CHECK(check_unlimited({{"mtu", "1500"}}, "why").has_value());
  const auto refused = check_unlimited({{"packet_rate", "x"}}, "why");
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == Errc::unsupported);
  CHECK(refused.error().message == "option packet_rate has no effect: why");
}
