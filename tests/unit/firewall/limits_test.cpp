#include "firewall/limits.h"

#include <doctest/doctest.h>

#include "firewall/conflicts.h"
#include "firewall/policy.h"

using namespace burrow;
using namespace burrow::firewall;

namespace {

std::vector<IpNetwork> prefixes(std::initializer_list<const char*> texts) {
  std::vector<IpNetwork> result;
  for (const auto* text : texts) result.push_back(*IpNetwork::parse(text));
  return result;
}

LimitedContainer web() {
  return {.container = *ContainerId::parse("0123456789ab"),
          .container_name = "web",
          .network = *NetworkName::parse("front"),
          .addresses = {*IpAddress::parse("10.0.0.2"), *IpAddress::parse("fd00::2")}};
}

std::vector<std::string> texts(const std::vector<Element>& elements) {
  std::vector<std::string> result;
  for (const auto& element : elements) result.push_back(to_string(element));
  return result;
}

}  // namespace

TEST_CASE("prefixes that overlap become those that hold the others") {
  CHECK(disjoint(prefixes({"10.1.0.0/16", "10.0.0.0/8", "10.1.2.0/24", "192.0.2.0/24",
                           "192.0.2.0/24", "fd00::/8", "fd00::1/128"})) ==
        prefixes({"10.0.0.0/8", "192.0.2.0/24", "fd00::/8"}));
  CHECK(disjoint(prefixes({"10.0.0.0/9", "10.128.0.0/9"})).size() == 2);
  CHECK(disjoint(prefixes({"0.0.0.0/0", "255.255.255.255/32", "::/0", "::1/128"})) ==
        prefixes({"0.0.0.0/0", "::/0"}));
  CHECK(disjoint({}).empty());
}

TEST_CASE("a container's lists and rates are elements of each of its addresses, in its family") {
  Limits limits;
  limits.egress.allow = prefixes({"192.0.2.0/24", "192.0.2.1/32", "2001:db8::/32"});
  limits.egress.deny = prefixes({"192.0.2.7/32"});
  limits.packet_rate = *Rate::parse("10/second burst 5");
  const auto elements = compile(web(), limits);
  CHECK(texts(elements) == std::vector<std::string>{
                               "limited4 { 10.0.0.2 }",
                               "limited6 { fd00::2 }",
                               "egress_deny4 { 10.0.0.2 . 192.0.2.7/32 }",
                               "egress_allow4 { 10.0.0.2 . 192.0.2.0/24 }",
                               "egress_allow6 { fd00::2 . 2001:db8::/32 }",
                               "egress_only4 { 10.0.0.2 }",
                               "egress_only6 { fd00::2 }",
                               "packet_rate4 { 10.0.0.2 : 10/second burst 5 }",
                               "packet_rate6 { fd00::2 : 10/second burst 5 }",
                           });
  for (const auto& element : elements) {
    CHECK(element.owner == "container web (0123456789ab) on network front");
  }
  CHECK(without_conflicts(elements).has_value());
}

TEST_CASE("a network's lists are of its bridge, and its rates are no elements of its own") {
  Limits limits;
  limits.ingress.allow.emplace();
  limits.egress.deny = prefixes({"10.0.0.0/8", "fd00::/8"});
  limits.connections = ConnectionCount{5};
  CHECK(texts(compile(*NetworkName::parse("front"), *LinkName::parse("br0"), limits)) ==
        std::vector<std::string>{
            "limited_bridges { br0 }", "network_egress_deny4 { br0 . 10.0.0.0/8 }",
            "network_egress_deny6 { br0 . fd00::/8 }", "network_ingress_only { br0 }"});
}

TEST_CASE("every element of a limit tells of which kind it is, and no other element does") {
  Limits limits;
  for (auto* list : {&limits.egress, &limits.ingress}) {
    list->allow = prefixes({"192.0.2.0/24", "2001:db8::/32"});
    list->deny = prefixes({"192.0.2.0/24", "2001:db8::/32"});
  }
  limits.connection_rate = limits.packet_rate = Rate{};
  limits.connections = ConnectionCount{};
  std::array<size_t, kLimitKinds> of_kind{};
  std::vector<Element> all = compile(web(), limits);
  const auto more = compile(*NetworkName::parse("front"), *LinkName::parse("br0"), limits);
  all.insert(all.end(), more.begin(), more.end());
  for (const auto& element : all) {
    const auto kind = limit_kind(element.set);
    CHECK(kind.has_value() != is_gate(element.set));
    if (!kind) continue;
    ++of_kind.at(static_cast<size_t>(*kind));
    const auto word = shape_of(element.set).name;
    const bool is_egress = *kind == LimitKind::egress_allow || *kind == LimitKind::egress_deny;
    CHECK((word.find("egress") != word.npos) == is_egress);
  }
  // An allow list is its entries and who is confined to them.
  CHECK(of_kind == std::array<size_t, kLimitKinds>{2, 2, 7, 4, 7, 4, 2});
  for (const auto set :
       {SetName::bridges, SetName::asked6, SetName::admitted4, SetName::publish4}) {
    CHECK_FALSE(limit_kind(set).has_value());
  }
  CHECK(compile(web(), {}).empty());
}

TEST_CASE("lists need no reading of whole sets before they are added") {
  Limits limits;
  limits.egress.deny = prefixes({"10.0.0.0/8"});
  for (const auto& element : compile(web(), limits)) CHECK(probes_for(element).scans.empty());
}

TEST_CASE("the gate has whoever is asked about with new connections, and nobody else") {
  const auto gate_of = [](const Limits& limits) {
    std::vector<std::string> gate;
    for (const auto& element : compile(web(), limits)) {
      if (is_gate(element.set)) gate.push_back(to_string(element));
    }
    return gate;
  };
  using Gate = std::vector<std::string>;
  CHECK(gate_of({}) == Gate{});
  Limits limits;
  limits.packet_rate = Rate{};
  CHECK(gate_of(limits) == Gate{});
  limits.ingress.deny = prefixes({"2001:db8::/32", "2001:db9::/32"});
  CHECK(gate_of(limits) == Gate{"limited6 { fd00::2 }"});
  limits.connections = ConnectionCount{};
  CHECK(gate_of(limits) == Gate{"limited4 { 10.0.0.2 }", "limited6 { fd00::2 }"});
  CHECK(compile(*NetworkName::parse("front"), *LinkName::parse("br0"), limits).front().set ==
        SetName::limited_bridges);
}
