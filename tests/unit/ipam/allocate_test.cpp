#include "ipam/allocate.h"

#include <doctest/doctest.h>

#include <random>

using namespace burrow;
using ipam::AddressSet;
using ipam::Pool;

namespace {

IpAddress address(std::string_view text) { return IpAddress::parse(text).value(); }

Pool pool(std::string_view subnet, std::string_view gateway = {}) {
  Pool result{.subnet = IpNetwork::parse(subnet).value()};
  if (!gateway.empty()) result.gateway = address(gateway);
  return result;
}

// Every address that the pool hands out until it is exhausted.
std::vector<IpAddress> drain(const Pool& pool) {
  std::vector<IpAddress> given;
  AddressSet taken;
  std::optional<IpAddress> after;
  while (auto next = ipam::allocate(pool, taken, after)) {
    REQUIRE(taken.insert(*next).second);
    given.push_back(*next);
    after = *next;
  }
  return given;
}

}  // namespace

TEST_CASE("the first address after the gateway is handed out first") {
  CHECK(ipam::allocate(pool("10.89.0.0/24", "10.89.0.1"), {}, {})->to_string() == "10.89.0.2");
  CHECK(ipam::allocate(pool("fd00:1::/64", "fd00:1::1"), {}, {})->to_string() == "fd00:1::2");
}

TEST_CASE("a freed address is not handed out again before the pool went round") {
  const auto small = pool("10.0.0.0/29", "10.0.0.1");
  const auto after = address("10.0.0.4");
  CHECK(ipam::allocate(small, {}, after)->to_string() == "10.0.0.5");
  CHECK(ipam::allocate(small, {}, address("10.0.0.6"))->to_string() == "10.0.0.2");
  CHECK(ipam::allocate(small, {address("10.0.0.5"), address("10.0.0.6")}, after)->to_string() ==
        "10.0.0.2");
}

TEST_CASE("every prefix length hands out each usable address once and then names the range") {
  const struct {
    const char* subnet;
    size_t count;
  } cases[] = {
      {"10.0.0.0/32", 1},        {"10.0.0.0/31", 2},
      {"10.0.0.0/30", 2},        {"10.0.0.0/29", 6},
      {"10.0.0.0/24", 254},      {"fd00::/128", 1},
      {"fd00::/127", 2},         {"fd00::/126", 3},
      {"fd00::/120", 255},       {"0.0.0.0/30", 2},
      {"255.255.255.252/30", 2}, {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127", 2},
  };
  for (const auto& one : cases) {
    CAPTURE(one.subnet);
    CHECK(drain(pool(one.subnet)).size() == one.count);
  }
  auto small = pool("10.0.0.0/30", "10.0.0.1");
  const auto full = ipam::allocate(small, {address("10.0.0.2")}, {});
  REQUIRE_FALSE(full);
  CHECK(full.error().code == Errc::exhausted);
  CHECK(full.error().message == "failed to find free IP in range: 10.0.0.1 - 10.0.0.2");
}

TEST_CASE("every prefix length of both families gives an address inside the subnet") {
  for (int length = 0; length <= 32; ++length) {
    const auto subnet =
        IpNetwork::containing(address("10.1.2.3"), static_cast<uint8_t>(length)).value();
    const auto given = ipam::allocate({.subnet = subnet}, {}, {});
    REQUIRE(given);
    CHECK(subnet.contains(*given));
    if (length < 31) CHECK((*given != subnet.address() && *given != subnet.last()));
  }
  for (int length = 0; length <= 128; ++length) {
    const auto subnet =
        IpNetwork::containing(address("fd00:1:2::3"), static_cast<uint8_t>(length)).value();
    const auto given = ipam::allocate({.subnet = subnet}, {}, {});
    REQUIRE(given);
    CHECK(subnet.contains(*given));
    if (length < 127) CHECK(*given != subnet.address());
  }
}

TEST_CASE("a lease range is kept, clamped to the subnet and never left by an old position") {
  auto leased = pool("10.0.0.0/24", "10.0.0.1");
  leased.first = address("10.0.0.100");
  leased.last = address("10.0.0.102");
  CHECK(drain(leased).size() == 3);
  CHECK(ipam::allocate(leased, {}, address("10.0.0.5"))->to_string() == "10.0.0.100");
  CHECK(ipam::allocate(leased, {}, address("10.0.0.200"))->to_string() == "10.0.0.100");
  CHECK(ipam::allocate(leased, {}, address("fd00::1"))->to_string() == "10.0.0.100");
  leased.first = address("10.0.0.0");
  leased.last = address("10.0.0.255");
  CHECK(drain(leased).size() == 253);
  leased.first = address("10.0.0.9");
  leased.last = address("10.0.0.8");
  CHECK(ipam::allocate(leased, {}, {}).error().code == Errc::exhausted);
}

TEST_CASE("a huge pool costs no more than what is taken") {
  AddressSet taken;
  std::optional<IpAddress> next = address("fd00::1");
  for (int i = 0; i < 20'000; ++i, next = next->next()) taken.insert(*next);
  CHECK(ipam::allocate(pool("fd00::/8"), taken, {}) == *next);
  CHECK(ipam::allocate(pool("::/0"), {}, address("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"))
            ->to_string() == "::1");
}

TEST_CASE("random histories never hand out a taken address, the gateway or the edges") {
  std::mt19937 random{7};
  for (int round = 0; round < 200; ++round) {
    const auto length = static_cast<uint8_t>(24 + random() % 7);
    const auto subnet = IpNetwork::containing(address("192.168.7.0"), length).value();
    Pool from{.subnet = subnet, .gateway = subnet.address().next(1 + random() % 2)};
    AddressSet taken;
    std::optional<IpAddress> after;
    for (int step = 0; step < 60; ++step) {
      if (!taken.empty() && random() % 3 == 0) {
        taken.erase(std::next(taken.begin(), static_cast<long>(random() % taken.size())));
        continue;
      }
      const auto given = ipam::allocate(from, taken, after);
      const size_t usable = (size_t{1} << (32U - length)) - 3;
      REQUIRE(given.has_value() == (taken.size() < usable));
      if (!given) continue;
      CHECK(subnet.contains(*given));
      CHECK(*given != *from.gateway);
      CHECK(*given != subnet.address());
      CHECK(*given != subnet.last());
      CHECK(taken.insert(*given).second);
      after = *given;
    }
  }
}
