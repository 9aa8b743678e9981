#include "dns/egress_list.h"

#include <doctest/doctest.h>

#include "dns/zones.h"
#include "networks.h"

using namespace burrow;
using namespace burrow::dns;
using namespace burrow::dns::test;

namespace {

Zones make_zones(std::initializer_list<std::pair<std::string_view, std::string_view>> sources) {
  std::vector<std::shared_ptr<const NetworkZone>> networks;
  for (const auto& [name, content] : sources) networks.push_back(make_network(name, content));
  return {std::move(networks), {}, {}};
}

// Their labels and verdicts, in order.
Texts lists_of(const Zones& zones, std::string_view network, std::string_view source) {
  Texts result;
  for (const auto& list : zones.lists_of(*zones.find_network(network), *IpAddress::parse(source))) {
    result.push_back(fmt::format(
        "{} {}", list->verdict == firewall::PeerVerdict::allow ? "allow" : "deny", list->label));
  }
  return result;
}

constexpr std::string_view kFront =
    "10.1.0.1\n"
    "=   @ 0 EGRESS deny front br-front ads.example\n"
    "aa 10.1.0.2  web\n"
    "=AA   @ 0 EGRESS allow web 10.1.0.2 deb.example,*.shop.example\n"
    "bb 10.1.0.3  other\n";
constexpr std::string_view kBack =
    "10.2.0.1\n"
    "aa 10.2.0.2  web\n"
    "cc 10.2.0.3  third\n"
    "=cc   @ 0 EGRESS allow third 10.2.0.3 deb.example\n";

}  // namespace

TEST_CASE("a line of a list says whose it is, what it means and which names are on it") {
  const auto list = parse_egress_list("AbC", "allow web 10.0.0.2,fd00::2 deb.example,*.x.example");
  REQUIRE(list.has_value());
  CHECK(list->id == "abc");
  CHECK(list->verdict == firewall::PeerVerdict::allow);
  CHECK(list->label == "web");
  CHECK(list->owners ==
        std::vector<ListOwner>{*IpAddress::parse("10.0.0.2"), *IpAddress::parse("fd00::2")});
  CHECK(list->has("deb.example"));
  CHECK(list->has("a.b.x.example"));
  CHECK_FALSE(list->has("x.example"));
  const auto network = parse_egress_list("", "deny front br-front ads.example");
  REQUIRE(network.has_value());
  CHECK(network->verdict == firewall::PeerVerdict::deny);
  CHECK(network->owners == std::vector<ListOwner>{*LinkName::parse("br-front")});
}

TEST_CASE("a line that cannot be meant is refused whole") {
  std::string names = "a.example";
  for (int i = 1; i < 256; ++i) names += fmt::format(",h{}.example", i);
  CHECK(parse_egress_list("a", "allow web 10.0.0.2 " + names).has_value());
  for (const auto& words :
       {std::string{}, std::string{"allow"}, std::string{"allow web 10.0.0.2"},
        std::string{"refuse web 10.0.0.2 a.example"}, std::string{"allow web br0 a.example"},
        std::string{"allow web  a.example"}, std::string{"allow web 10.0.0.2 "},
        std::string{"allow web 10.0.0.2 a.example,"}, std::string{"allow web 10.0.0.2 a..b"},
        std::string{"allow web 10.0.0.2 a.example more"},
        "allow web 10.0.0.2 " + names + ",b.example"}) {
    CHECK_FALSE_MESSAGE(parse_egress_list("a", words).has_value(), words.substr(0, 60));
  }
  CHECK_FALSE(parse_egress_list("", "allow front 10.0.0.2/8 a.example").has_value());
}

TEST_CASE("a list in a network's file is no record, and a bad one costs itself alone") {
  const auto file = *parse_network_file("front", kFront);
  CHECK(file.complaints.empty());
  CHECK(file.lines.size() == 4);
  const auto bad =
      *parse_network_file("front", "10.1.0.1\n=   @ 0 EGRESS allow x\naa 10.1.0.2  a\n");
  CHECK(bad.lines.size() == 1);
  CHECK(bad.complaints.size() == 1);
}

TEST_CASE(
    "a container has its own lists and its networks', wherever it asks, and others have not") {
  const auto zones = make_zones({{"back", kBack}, {"front", kFront}});
  CHECK(zones.has_lists());
  Texts whose;
  zones.for_each_list([&](const auto& list) { whose.push_back(list->whose()); });
  CHECK(whose == Texts{"third (back)", "network front", "web (front)"});
  CHECK(lists_of(zones, "front", "10.1.0.2") == Texts{"allow web", "deny front"});
  CHECK(lists_of(zones, "back", "10.2.0.2") == Texts{"allow web", "deny front"});
  CHECK(lists_of(zones, "back", "10.1.0.2") == Texts{"allow web", "deny front"});
  CHECK(lists_of(zones, "front", "10.1.0.3") == Texts{"deny front"});
  CHECK(lists_of(zones, "back", "10.2.0.3") == Texts{"allow third"});
  for (const auto* nobody : {"10.1.0.1", "127.0.0.1", "10.1.0.9", "fd00::1"}) {
    CHECK(lists_of(zones, "front", nobody).empty());
  }
  CHECK_FALSE(make_zones({{"plain", "10.3.0.1\ndd 10.3.0.2  d\n"}}).has_lists());
}

TEST_CASE("a list goes and comes with its line") {
  const auto before = make_network("front", kFront);
  const auto file = *parse_network_file("front", kFront);
  std::vector<NetworkLine> gone;
  for (const auto& line : file.lines) {
    const auto* list = std::get_if<EgressList>(&line.content);
    if (list != nullptr && list->id.empty()) gone.push_back(line);
  }
  REQUIRE(gone.size() == 1);
  const NetworkZone without{*before, gone, {}};
  CHECK(without.egress_lists().size() == 1);
  // What stays is the same value, not a copy.
  CHECK(without.egress_lists()[0].second == before->egress_lists()[1].second);
  CHECK(NetworkZone{without, {}, gone}.egress_lists().size() == 2);
}
