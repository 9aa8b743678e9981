#include "dns/zones.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace burrow;
using namespace burrow::dns;

namespace {

using Texts = std::vector<std::string>;

struct Source {
  std::string_view name;
  std::string_view content;
};

Zones make_zones(std::initializer_list<Source> sources, ZoneSettings settings = {}) {
  std::vector<std::shared_ptr<const NetworkZone>> networks;
  for (const auto& source : sources) {
    const auto file = parse_network_file(source.name, source.content);
    REQUIRE(file);
    const std::vector<const NetworkFile*> files{&*file};
    networks.push_back(std::make_shared<const NetworkZone>(files));
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

TEST_CASE("names of one network group their addresses in order, each once") {
  const auto file = *parse_network_file("n",
                                        "10.0.0.1\n"
                                        "a 10.0.0.2 fd00::2 one,all\n"
                                        "b 10.0.0.3  two,all\n"
                                        "c 10.0.0.2  one\n");
  const std::vector<const NetworkFile*> files{&file};
  const NetworkZone zone{files};
  const auto texts = [](std::span<const IpAddress> addresses) {
    Texts result;
    for (const auto& address : addresses) result.push_back(address.to_string());
    return result;
  };
  CHECK(texts(zone.find_addresses("\3all")) == Texts{"10.0.0.2", "fd00::2", "10.0.0.3"});
  CHECK(texts(zone.find_addresses("\3one")) == Texts{"10.0.0.2", "fd00::2"});
  CHECK(zone.find_addresses("\4none").empty());
  CHECK(zone.find_addresses("").empty());

  Texts names;
  for (const auto name : zone.find_names(ip("10.0.0.2"))) {
    names.push_back(name_text(zone.name_at(name)));
  }
  CHECK(names == Texts{"one", "all"});
  CHECK(zone.container_id(*zone.find_container(ip("10.0.0.2"))) == "c");  // the later line
  CHECK_FALSE(zone.find_container(ip("10.0.0.9")));
}

TEST_CASE("a name without any address does not exist") {
  const auto file = *parse_network_file("n", "10.0.0.1\na   ghost\n");
  const std::vector<const NetworkFile*> files{&file};
  CHECK(NetworkZone{files}.find_addresses("\5ghost").empty());
}

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

TEST_CASE("files net and net%int make one internal network") {
  const auto plain = *parse_network_file("net", "10.0.0.1 1.1.1.1\na 10.0.0.2  a\n");
  const auto internal = *parse_network_file("net%int", "10.0.0.1,fd00::1\nb 10.0.0.3  b\n");
  const std::vector<const NetworkFile*> files{&plain, &internal};
  const NetworkZone zone{files};
  CHECK(zone.reach() == Reach::internal);
  CHECK(zone.dns_servers().empty());
  CHECK(zone.listen_addresses().size() == 2);
  CHECK(zone.find_addresses("\1a").size() == 1);
  CHECK(zone.find_addresses("\1b").size() == 1);
}

TEST_CASE("ten thousand names are all found again") {
  std::string content = "10.0.0.1\n";
  for (int i = 0; i < 10000; ++i) {
    content +=
        fmt::format("id{} 10.{}.{}.{}  name{},alias{}\n", i, 1 + i / 65536, i / 256, i % 256, i, i);
  }
  const auto file = *parse_network_file("big", content);
  const std::vector<const NetworkFile*> files{&file};
  const NetworkZone zone{files};
  REQUIRE(zone.name_count() == 20000);
  for (int i = 0; i < 10000; ++i) {
    const auto name = *DomainName::parse(fmt::format("alias{}", i));
    REQUIRE(zone.find_addresses(name.labels()).size() == 1);
    REQUIRE(zone.find_addresses(name.labels())[0] ==
            file.containers[static_cast<size_t>(i)].addresses[0]);
  }
}

TEST_CASE("an alias of ten thousand containers keeps each address once, in order") {
  std::string content = "10.0.0.1\n";
  for (int i = 0; i < 20000; ++i) {
    content += fmt::format("id{} 10.1.{}.{}  all\n", i, i % 10000 / 256, i % 256);
  }
  const auto file = *parse_network_file("big", content);
  const std::vector<const NetworkFile*> files{&file};
  const NetworkZone zone{files};
  const auto found = zone.find_addresses("\3all");
  CHECK(found.front() == ip("10.1.0.0"));
  CHECK(std::ranges::is_sorted(found.first(256)));
  auto sorted = std::vector<IpAddress>(found.begin(), found.end());
  std::ranges::sort(sorted);
  CHECK(std::ranges::adjacent_find(sorted) == sorted.end());
}
