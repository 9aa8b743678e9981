#include "netstack/dns_servers.h"

#include <doctest/doctest.h>

using namespace burrow;
using namespace burrow::netstack;

TEST_CASE("other servers change the first line alone, but never to an address of the network") {
  const std::string content = "10.0.0.1,fd00::1 192.0.2.1\nc0ffee 10.0.0.2  web\n";
  const auto server = IpAddress::parse("192.0.2.9").value();
  CHECK(*with_servers(content, {server}) == "10.0.0.1,fd00::1 192.0.2.9\nc0ffee 10.0.0.2  web\n");
  CHECK(*with_servers(content, {}) == "10.0.0.1,fd00::1\nc0ffee 10.0.0.2  web\n");
  CHECK(*with_servers("", {server}) == " 192.0.2.9\n");
  const auto circle = with_servers(content, {server, IpAddress::parse("fd00::1").value()});
  REQUIRE_FALSE(circle);
  CHECK(circle.error().message.find("fd00::1") != std::string::npos);
}

TEST_CASE("a list of servers has commas between addresses and names each once") {
  CHECK(parse_servers("")->empty());
  CHECK(parse_servers(" , ,")->empty());
  CHECK(parse_servers("192.0.2.1, 2001:db8::1,192.0.2.1")->size() == 2);
  for (const auto* text :
       {"x", "192.0.2.1 192.0.2.2", "192.0.2.1/32", "192.0.2.01", "fe80::1%eth0"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_servers(text));
  }
}

TEST_CASE("no network's file is the one that holds the daemon's process number") {
  CHECK(dns_files_of(NetworkName::parse("front").value()) ==
        std::vector<std::string>{"front%int", "front"});
  CHECK(dns_files_of(NetworkName::parse("aardvark.pid").value()) ==
        std::vector<std::string>{"aardvark.pid%int"});
}
