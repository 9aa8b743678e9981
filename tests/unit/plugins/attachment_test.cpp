#include "plugins/sdk/attachment.h"

#include <doctest/doctest.h>

#include "plugins/host-device/loan.h"

using namespace burrow;
using namespace burrow::plugins;

namespace {

// What the protocol gives, with `options` in place of the attachment's own.
std::string document(const std::string& members = R"("static_ips":["10.99.0.7","fd00:9::7"])",
                     const std::string& ipam = R"({"driver":"host-local"})") {
  return R"({"container_id":"c0ffee","container_name":"web","port_mappings":null,"network":{"name":"lab",
    "id":"2f25","driver":"wire","subnets":[{"subnet":"10.99.0.0/24","gateway":"10.99.0.1"},{"subnet":"fd00:9::/64"}],
    "ipv6_enabled":true,"internal":false,"dns_enabled":false,"options":{"metric":"7","colour":"green"},
    "ipam_options":)" +
         ipam + R"(},"network_options":{"interface_name":"eth0","options":{"colour":"blue"},)" +
         members + "}}";
}

}  // namespace

TEST_CASE("a plugin's call is decoded as strictly as a request") {
  const auto attachment = decode_attachment(document(), "/run/netns/c");
  REQUIRE(attachment);
  CHECK(attachment->container.str() == "c0ffee");
  CHECK(attachment->asked.interface.str() == "eth0");
  CHECK(attachment->asked.network.name.str() == "lab");
  CHECK(attachment->ports.empty());
  CHECK(attachment->netns == "/run/netns/c");
  for (const auto* text : {"", "[]", "{}", R"({"network":{"name":7}})"}) {
    CAPTURE(text);
    CHECK_FALSE(decode_attachment(text, ""));
  }
  CHECK_FALSE(decode_attachment(document(R"("static_ips":["10.99.0"])"), ""));
}

TEST_CASE("addresses get the prefix length and the gateway of their subnet") {
  const auto attachment = *decode_attachment(document(), "");
  const auto addresses = *addresses_of(attachment.asked);
  REQUIRE(addresses.size() == 2);
  CHECK(addresses[0].address.to_string() == "10.99.0.7/24");
  CHECK(addresses[0].gateway->to_string() == "10.99.0.1");
  CHECK(addresses[1].address.to_string() == "fd00:9::7/64");
  CHECK_FALSE(addresses[1].gateway);
}

TEST_CASE("addresses that no subnet has, that are missing, or that others give are refused") {
  const auto asked = [](const std::string& members, const std::string& ipam) {
    return addresses_of(decode_attachment(document(members, ipam), "")->asked);
  };
  const std::string local = R"({"driver":"host-local"})";
  CHECK_FALSE(asked(R"("static_ips":["10.98.0.7"])", local));
  CHECK_FALSE(asked(R"("static_ips":null)", local));
  CHECK_FALSE(asked(R"("static_ips":null)", R"({"driver":"dhcp"})"));
  CHECK(asked(R"("static_ips":null)", R"({"driver":"none"})")->empty());
}

TEST_CASE("an attachment's option counts before its network's") {
  const auto attachment = *decode_attachment(document(), "");
  CHECK(option_of(attachment.asked, "colour") == "blue");
  CHECK(option_of(attachment.asked, "metric") == "7");
  CHECK_FALSE(option_of(attachment.asked, "mtu"));
}

TEST_CASE("what a lent link was like reads back as it was written") {
  const Loan loan{
      .name = *LinkName::parse("enp3s0"),
      .mac = *MacAddress::parse("02:00:00:00:00:01"),
      .mtu = 9000,
      .is_up = true,
      .is_physical = true,
      .alias = "to the lab",
      .addresses = {*IpInterface::parse("192.0.2.1/24"), *IpInterface::parse("fd00::1/64")}};
  CHECK(*decode_loan(encode(loan)) == loan);
  for (const auto* text : {"", "{}", R"({"name":"a/b"})"}) {
    CHECK(decode_loan(text).error().code == Errc::corrupt);
  }
}
