// Networks and published ports in firewalld's own words.
#include "firewall/firewalld_entries.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "firewall/policy.h"

using namespace burrow;
using namespace burrow::firewall;

namespace {

using Lines = std::vector<std::string>;

Lines lines(const std::vector<Element>& elements) {
  Lines result;
  for (const auto& entry : firewalld_entries(elements)) result.push_back(to_string(entry));
  return result;
}

IpAddress address(const char* text) { return *IpAddress::parse(text); }
IpNetwork prefix(const char* text) { return *IpNetwork::parse(text); }

NetworkPolicy front(Isolation isolation = Isolation::none, Reach reach = Reach::external) {
  return {.name = *NetworkName::parse("front"),
          .bridge = *LinkName::parse("br-front"),
          .subnets = {prefix("10.1.0.0/24"), prefix("fd00:1::/64")},
          .isolation = isolation,
          .reach = reach};
}

Publication publication(std::vector<PortMapping> ports) {
  return {.container = *ContainerId::parse("c0ffee"),
          .container_name = "web",
          .network = *NetworkName::parse("front"),
          .ports = std::move(ports),
          .address4 = address("10.1.0.2"),
          .address6 = address("fd00:1::2")};
}

Lines rules(std::vector<PortMapping> ports) {
  auto all = lines(*compile(publication(std::move(ports))));
  std::erase_if(all, [](const std::string& line) { return !line.starts_with("policy"); });
  return all;
}

}  // namespace

TEST_CASE("a network is a link in the zone of its isolation, and its subnets in ipsets") {
  CHECK(lines(compile(front())) == Lines{"zone burrow-open: br-front",
                                         "ipset burrow-subnets4: 10.1.0.0/24",
                                         "ipset burrow-subnets6: fd00:1::/64"});
  CHECK(lines(compile(front(Isolation::isolated))).front() == "zone burrow-isolated: br-front");
  CHECK(lines(compile(front(Isolation::strict))).front() == "zone burrow-strict: br-front");
  CHECK(lines(compile(front(Isolation::strict, Reach::internal))) ==
        Lines{"zone burrow-internal: br-front", "ipset burrow-inner4: 10.1.0.0/24",
              "ipset burrow-inner6: fd00:1::/64"});
}

TEST_CASE("subnets of a routed network are in other ipsets, whose packets keep their addresses") {
  auto policy = front();
  policy.gateway = GatewayMode::routed;
  CHECK(lines(compile(policy)) == Lines{"zone burrow-open: br-front",
                                        "ipset burrow-routed4: 10.1.0.0/24",
                                        "ipset burrow-routed6: fd00:1::/64"});
}

TEST_CASE("the subnets of one network reach each other by a rule for each way and family") {
  auto policy = front();
  policy.subnets.push_back(prefix("10.2.0.0/24"));
  const auto all = lines(compile(policy));
  CHECK(std::ranges::count_if(all, [](const auto& line) { return line.ends_with(" accept"); }) ==
        2);
  CHECK(std::ranges::find(all,
                          "policy burrow-apart: rule family=\"ipv4\" source "
                          "address=\"10.1.0.0/24\" destination address=\"10.2.0.0/24\" accept") !=
        all.end());
}

TEST_CASE("networks that are changed together get what each of them gets alone") {
  auto back = front(Isolation::strict);
  back.name = *NetworkName::parse("back");
  back.bridge = *LinkName::parse("br-back");
  back.subnets = {prefix("10.3.0.0/24")};
  back.gateway = GatewayMode::routed;
  auto together = compile(front());
  const auto more = compile(back);
  auto apart = lines(together);
  for (auto& line : lines(more)) apart.push_back(std::move(line));
  together.insert(together.end(), more.begin(), more.end());
  auto all = lines(together);
  std::ranges::sort(all);
  std::ranges::sort(apart);
  CHECK(all == apart);
}

TEST_CASE("names go before published ports, and on another port the host is led there, too") {
  auto policy = front();
  policy.dns = {{address("10.1.0.1"), 53}};
  const auto usual = lines(compile(policy));
  CHECK(std::ranges::count_if(
            usual, [](const auto& line) { return line.starts_with("policy burrow-ports"); }) == 2);
  CHECK(std::ranges::count_if(
            usual, [](const auto& line) { return line.starts_with("policy burrow-local"); }) == 0);
  policy.dns = {{address("fd00:1::1"), 1153}};
  const auto other = lines(compile(policy));
  CHECK(std::ranges::count_if(
            other, [](const auto& line) { return line.starts_with("policy burrow-local"); }) == 2);
  CHECK(std::ranges::find(other,
                          "policy burrow-ports: rule priority=\"-10\" family=\"ipv6\" destination "
                          "address=\"fd00:1::1\" forward-port port=\"53\" protocol=\"udp\" "
                          "to-port=\"1153\" to-addr=\"fd00:1::1\"") != other.end());
}

TEST_CASE("a port on every address is a rule for others and one for the host, by family") {
  const auto all = lines(*compile(publication({{.host_port = 8080, .container_port = 80}})));
  CHECK(all == Lines{"ipset burrow-published4: 10.1.0.2", "ipset burrow-published6: fd00:1::2",
                     "policy burrow-local: rule family=\"ipv4\" destination "
                     "ipset=\"burrow-local4\" forward-port port=\"8080\" protocol=\"tcp\" "
                     "to-port=\"80\" to-addr=\"10.1.0.2\"",
                     "policy burrow-local: rule family=\"ipv6\" destination ipset=\"burrow-host6\" "
                     "forward-port port=\"8080\" protocol=\"tcp\" to-port=\"80\" "
                     "to-addr=\"fd00:1::2\"",
                     "policy burrow-ports: rule family=\"ipv4\" source NOT ipset=\"burrow-inner4\" "
                     "destination ipset=\"burrow-host4\" "
                     "forward-port port=\"8080\" protocol=\"tcp\" to-port=\"80\" "
                     "to-addr=\"10.1.0.2\"",
                     "policy burrow-ports: rule family=\"ipv6\" source NOT ipset=\"burrow-inner6\" "
                     "destination ipset=\"burrow-host6\" "
                     "forward-port port=\"8080\" protocol=\"tcp\" to-port=\"80\" "
                     "to-addr=\"fd00:1::2\""});
}

TEST_CASE("a host address is named, and the loopback's is for the host alone") {
  CHECK(rules({{.host_address = address("192.0.2.1"), .host_port = 80, .container_port = 80}}) ==
        Lines{"policy burrow-local: rule family=\"ipv4\" destination address=\"192.0.2.1\" "
              "forward-port port=\"80\" protocol=\"tcp\" to-port=\"80\" to-addr=\"10.1.0.2\"",
              "policy burrow-ports: rule family=\"ipv4\" source NOT ipset=\"burrow-inner4\" "
              "destination address=\"192.0.2.1\" "
              "forward-port port=\"80\" protocol=\"tcp\" to-port=\"80\" to-addr=\"10.1.0.2\""});
  CHECK(rules({{.host_address = address("127.0.0.1"), .host_port = 8080, .container_port = 80}}) ==
        Lines{"policy burrow-local: rule family=\"ipv4\" destination address=\"127.0.0.1\" "
              "forward-port port=\"8080\" protocol=\"tcp\" to-port=\"80\" to-addr=\"10.1.0.2\""});
}

TEST_CASE("a range with the same ports on both sides is one rule however long, others are many") {
  for (const auto count : std::initializer_list<uint16_t>{2, 15, 16, 1000}) {
    CAPTURE(count);
    CHECK(rules({{.host_port = 9000, .container_port = 9000, .count = count}}).size() == 4);
  }
  CHECK(rules({{.host_port = 9000, .container_port = 8000, .count = 3}}).size() == 12);
  const auto range = rules({{.host_address = address("127.0.0.1"),
                             .host_port = 9000,
                             .container_port = 9000,
                             .count = 3,
                             .protocol = Protocol::sctp}});
  CHECK(range == Lines{"policy burrow-local: rule family=\"ipv4\" destination "
                       "address=\"127.0.0.1\" forward-port port=\"9000-9002\" protocol=\"sctp\" "
                       "to-addr=\"10.1.0.2\""});
}

TEST_CASE("what firewalld has nothing for is found") {
  CHECK(find_foreign(compile(front(Isolation::isolated, Reach::internal))) == nullptr);
  auto policy = front();
  policy.outbound4 = address("192.0.2.1");
  const auto bound = compile(policy);
  REQUIRE(find_foreign(bound) != nullptr);
  CHECK(find_foreign(bound)->set == SetName::snat4);
  auto asked = publication({{.host_port = 8080, .container_port = 80}});
  asked.publishing = Publishing::host_firewall;
  const auto questions = *compile(asked);
  REQUIRE(find_foreign(questions) != nullptr);
  CHECK(find_foreign(questions)->set == SetName::asked4);
}

TEST_CASE("a rule that leads the same port elsewhere is a rival, and the same rule is none") {
  const auto wanted =
      firewalld_entries(*compile(publication({{.host_port = 80, .container_port = 80}})));
  const auto rule = std::ranges::find(wanted, FirewalldHolder::policy, &FirewalldEntry::kind);
  REQUIRE(rule != wanted.end());
  CHECK(find_rival(*rule, {wanted.begin(), wanted.end()}) == nullptr);
  auto elsewhere = *rule;
  elsewhere.value.replace(elsewhere.value.find("10.1.0.2"), 8, "10.9.0.9");
  const std::set<FirewalldEntry> standing{elsewhere};
  REQUIRE(find_rival(*rule, standing) != nullptr);
  CHECK(*find_rival(*rule, standing) == elsewhere);
  auto other_policy = elsewhere;
  other_policy.holder = "work";
  CHECK(find_rival(*rule, {other_policy}) == nullptr);
}

TEST_CASE("only rules for every address need the addresses of the host") {
  const auto wildcard =
      firewalld_entries(*compile(publication({{.host_port = 80, .container_port = 80}})));
  const auto count = [&](const std::vector<FirewalldEntry>& entries, Family family) {
    return std::ranges::count_if(
        entries, [&](const FirewalldEntry& entry) { return leads_every_address(entry, family); });
  };
  CHECK(count(wildcard, Family::ipv4) == 1);
  CHECK(count(wildcard, Family::ipv6) == 1);
  const auto single = firewalld_entries(*compile(publication(
      {{.host_address = address("192.0.2.1"), .host_port = 80, .container_port = 80}})));
  CHECK(count(single, Family::ipv4) == 0);
}
