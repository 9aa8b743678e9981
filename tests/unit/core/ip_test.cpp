#include "core/ip.h"

#include <doctest/doctest.h>

using namespace burrow;

TEST_CASE("an address parses in its strict forms only") {
  for (const auto* text : {"10.0.0.1", "255.255.255.255", "::", "fd00::1", "::ffff:10.0.0.1"}) {
    CAPTURE(text);
    const auto address = IpAddress::parse(text);
    REQUIRE(address);
    CHECK(address->to_string() == text);
  }
  for (const auto* text : {"", "10.0.0", "10.0.0.01", "10.0.0.256", "fe80::1%eth0", "1.2.3.4 ", "x",
                           "1:2:3:4:5:6:7:8:9"}) {
    CAPTURE(text);
    CHECK_FALSE(IpAddress::parse(text));
  }
}

TEST_CASE("the next address carries over bytes and ends at the last of the family") {
  CHECK(IpAddress::parse("10.0.0.255")->next()->to_string() == "10.0.1.0");
  CHECK(IpAddress::parse("10.0.0.0")->next(65537)->to_string() == "10.1.0.1");
  CHECK_FALSE(IpAddress::parse("255.255.255.255")->next());
  CHECK(IpAddress::parse("fd00::ffff")->next()->to_string() == "fd00::1:0");
  CHECK(IpAddress::parse("10.0.1.0")->previous()->to_string() == "10.0.0.255");
  CHECK_FALSE(IpAddress::parse("::")->previous());
}

TEST_CASE("a network refuses host bits and knows its bounds") {
  CHECK(IpNetwork::parse("10.0.0.1/24").error().message == "host bits set: \"10.0.0.1/24\"");
  CHECK_FALSE(IpNetwork::parse("10.0.0.0/33"));
  CHECK_FALSE(IpNetwork::parse("10.0.0.0"));
  CHECK_FALSE(IpNetwork::parse("10.0.0.0/"));
  CHECK_FALSE(IpNetwork::parse("10.0.0.0/+8"));
  const auto network = *IpNetwork::parse("10.1.2.0/23");
  CHECK(network.last().to_string() == "10.1.3.255");
  CHECK(network.contains(*IpAddress::parse("10.1.3.1")));
  CHECK_FALSE(network.contains(*IpAddress::parse("10.1.4.1")));
  CHECK_FALSE(network.contains(*IpAddress::parse("::ffff:10.1.3.1")));
  CHECK(network.overlaps(*IpNetwork::parse("10.0.0.0/8")));
  CHECK_FALSE(network.overlaps(*IpNetwork::parse("10.1.4.0/24")));
  CHECK(IpNetwork::parse("0.0.0.0/0")->contains(*IpAddress::parse("8.8.8.8")));
}

TEST_CASE("an interface address keeps its host bits and gives its network") {
  const auto interface = *IpInterface::parse("fd00::5/64");
  CHECK(interface.to_string() == "fd00::5/64");
  CHECK(interface.network().to_string() == "fd00::/64");
}
