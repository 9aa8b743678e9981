#include "dns/zones.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "networks.h"

using namespace burrow;
using namespace burrow::dns;
using namespace burrow::dns::test;

namespace {

struct Source {
  std::string_view name;
  std::string_view content;
};

Zones make_zones(std::initializer_list<Source> sources, ZoneSettings settings = {}) {
  std::vector<std::shared_ptr<const NetworkZone>> networks;
  for (const auto& source : sources) {
    networks.push_back(make_network(source.name, source.content));
  }
  return {std::move(networks), {}, std::move(settings)};
}

IpAddress ip(std::string_view text) { return *IpAddress::parse(text); }

Texts seen(const Zones& zones, std::string_view network, std::string_view source) {
  Texts result;
  for (const auto index : zones.view(*zones.find_network(network), ip(source)).networks) {
    result.push_back(zones.networks()[index]->name());
  }
  return result;
}

Texts servers(const Zones& zones, std::string_view network, std::string_view source) {
  Texts result;
  for (const auto& server : zones.view(*zones.find_network(network), ip(source)).servers) {
    result.push_back(server.to_string());
  }
  return result;
}

bool may_forward(const Zones& zones, std::string_view network, std::string_view source) {
  return zones.view(*zones.find_network(network), ip(source)).forwarding == Forwarding::allowed;
}

constexpr std::string_view kNetA =
    "10.1.0.1,fd01::1 1.0.0.1\nx 10.1.0.2 fd01::2 x\ny 10.1.0.3  y\n";
constexpr std::string_view kNetB = "10.2.0.1 2.0.0.1\ny 10.2.0.3  y\nz 10.2.0.4  z 9.9.9.9\n";
constexpr std::string_view kNetC = "10.3.0.1 3.0.0.1\ny 10.3.0.3  y\nw 10.3.0.5  w 9.9.9.9\n";

}  // namespace

TEST_CASE("a container sees its networks, the asked one first, and no other") {
  const auto zones = make_zones({{"a", kNetA}, {"b", kNetB}, {"c", kNetC}});
  CHECK(seen(zones, "a", "10.1.0.2") == Texts{"a"});
  CHECK(seen(zones, "a", "fd01::2") == Texts{"a"});
  CHECK(seen(zones, "a", "10.1.0.3") == Texts{"a", "b", "c"});
  CHECK(seen(zones, "b", "10.2.0.3") == Texts{"b", "a", "c"});
  CHECK(seen(zones, "c", "10.3.0.5") == Texts{"c"});
}

TEST_CASE("the host and unknown sources see the asked network alone") {
  const auto zones = make_zones({{"a", kNetA}, {"b", kNetB}});
  CHECK(seen(zones, "a", "10.1.0.1") == Texts{"a"});
  CHECK(seen(zones, "b", "10.1.0.1") == Texts{"b"});
  CHECK(seen(zones, "b", "127.0.0.1") == Texts{"b"});
  CHECK(seen(zones, "a", "10.1.0.77") == Texts{"a"});
  CHECK(seen(zones, "a", "fe80::77") == Texts{"a"});
}

TEST_CASE("a container that asks a foreign gateway sees its own networks, never the foreign one") {
  const auto zones = make_zones({{"a", kNetA}, {"b", kNetB}, {"c", kNetC}});
  CHECK(seen(zones, "b", "10.1.0.2") == Texts{"a"});
  CHECK(seen(zones, "a", "10.2.0.4") == Texts{"b"});
}

TEST_CASE("one address on two networks that share nothing is told apart by the listener") {
  const auto zones = make_zones({{"a", "10.1.0.1\nx 10.1.0.2  x\n"},
                                 {"b", "10.1.0.254\nz 10.1.0.2  z\n"},
                                 {"c", "10.3.0.1\n"}});
  CHECK(seen(zones, "a", "10.1.0.2") == Texts{"a"});
  CHECK(seen(zones, "b", "10.1.0.2") == Texts{"b"});
  CHECK(seen(zones, "c", "10.1.0.2").empty());  // either could be meant: neither is shown
}

TEST_CASE("internal networks forward for the host and for containers with a way out") {
  const auto zones =
      make_zones({{"i%int", "10.1.0.1 1.1.1.1\nx 10.1.0.2  x 8.8.8.8\ny 10.1.0.3  y\n"},
                  {"o", "10.2.0.1 2.2.2.2\ny 10.2.0.3  y\n"},
                  {"j%int", "10.3.0.1\n"}});
  CHECK_FALSE(may_forward(zones, "i", "10.1.0.2"));
  CHECK(may_forward(zones, "i", "10.1.0.3"));
  CHECK(servers(zones, "i", "10.1.0.3") == Texts{"2.2.2.2"});
  CHECK(may_forward(zones, "i", "10.1.0.1"));
  CHECK_FALSE(may_forward(zones, "i", "10.1.0.99"));
  CHECK_FALSE(may_forward(zones, "i", "fe80::99"));
  CHECK_FALSE(may_forward(zones, "j", "10.3.0.99"));
  CHECK(may_forward(zones, "o", "10.2.0.99"));
  CHECK_FALSE(may_forward(zones, "o", "10.1.0.2"));  // a foreign gateway is no way out
}

TEST_CASE("nothing is forwarded when forwarding is off") {
  const auto zones = make_zones({{"a", kNetA}, {"b", kNetB}}, {.forwarding = Forwarding::never});
  for (const auto* source : {"10.1.0.1", "10.1.0.2", "10.1.0.3", "10.1.0.9"}) {
    CHECK_FALSE(may_forward(zones, "a", source));
  }
}

TEST_CASE("a container's own servers win over its networks', which add up") {
  const auto zones = make_zones({{"a", kNetA}, {"b", kNetB}, {"c", kNetC}});
  CHECK(servers(zones, "a", "10.1.0.2") == Texts{"1.0.0.1"});
  CHECK(servers(zones, "a", "10.1.0.3") == Texts{"1.0.0.1", "2.0.0.1", "3.0.0.1"});
  CHECK(servers(zones, "c", "10.3.0.3") == Texts{"3.0.0.1", "1.0.0.1", "2.0.0.1"});
  CHECK(servers(zones, "b", "10.2.0.4") == Texts{"9.9.9.9"});
  CHECK(servers(zones, "b", "10.2.0.99").empty());
  CHECK(servers(zones, "b", "10.2.0.1").empty());
}

TEST_CASE("a container's own servers hold on every network that it is on") {
  const auto zones = make_zones({{"a", "10.1.0.1 1.1.1.1\nx 10.1.0.2  x 9.9.9.9\n"},
                                 {"b", "10.2.0.1 2.2.2.2\nx 10.2.0.2  x\n"}});
  CHECK(servers(zones, "a", "10.1.0.2") == Texts{"9.9.9.9"});
  CHECK(servers(zones, "b", "10.2.0.2") == Texts{"9.9.9.9"});
}

TEST_CASE("a snapshot that follows another is as one made afresh") {
  using Contents = std::vector<Source>;
  const std::vector<Contents> versions{
      {{"a", kNetA}, {"b", kNetB}},
      {{"a", kNetA}, {"b", kNetB}, {"c", kNetC}},
      {{"a", "10.1.0.1 1.0.0.1\nx 10.1.0.2  x\n"}, {"b", kNetB}, {"c", kNetC}},
      {{"a", kNetA}, {"b", "10.2.0.1 2.0.0.9\ny 10.2.0.3  y\n"}, {"c", kNetC}},
      {{"a", kNetA}, {"b%int", kNetB}, {"c", kNetC}},
      {{"b", kNetB}, {"c", "10.3.0.1 3.0.0.1\nz 10.3.0.9  z\n"}},
      {{"b", kNetB}},
      {{"a", kNetA}, {"b", kNetB}}};
  std::optional<Zones> before;
  for (const auto& version : versions) {
    std::vector<std::shared_ptr<const NetworkZone>> networks;
    for (const auto& source : version)
      networks.push_back(make_network(source.name, source.content));
    const Zones fresh{networks, {}, {}};
    Zones next{networks, {}, {}, before ? &*before : nullptr};
    for (const auto& network : networks) {
      for (const auto* source : {"10.1.0.2", "10.1.0.3", "10.2.0.3", "10.2.0.4", "10.3.0.3",
                                 "10.3.0.5", "10.3.0.9", "10.1.0.1", "10.9.9.9"}) {
        CAPTURE(source);
        CHECK(seen(next, network->name(), source) == seen(fresh, network->name(), source));
        CHECK(servers(next, network->name(), source) == servers(fresh, network->name(), source));
        CHECK(may_forward(next, network->name(), source) ==
              may_forward(fresh, network->name(), source));
      }
    }
    before.emplace(std::move(next));
  }
}

TEST_CASE("lines without an id do not tie networks together") {
  const auto zones =
      make_zones({{"a", "10.1.0.1\n 10.1.0.2  x\n"}, {"b", "10.2.0.1\n 10.2.0.2  secret\n"}});
  CHECK(seen(zones, "a", "10.1.0.2") == Texts{"a"});
}
