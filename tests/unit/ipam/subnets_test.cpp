#include "ipam/subnets.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>

using namespace burrow;
using namespace burrow::ipam;

namespace {

IpNetwork prefix(std::string_view text) { return IpNetwork::parse(text).value(); }

PrefixSet taken(std::initializer_list<std::string_view> texts) {
  std::vector<IpNetwork> prefixes;
  for (const auto text : texts) prefixes.push_back(prefix(text));
  return PrefixSet{prefixes};
}

const std::vector kPools{SubnetPool{prefix("10.89.0.0/16"), 24},
                         SubnetPool{prefix("10.90.0.0/15"), 24}};

std::string next(const PrefixSet& set, std::span<const SubnetPool> pools = kPools) {
  const auto block = first_free_block(pools, set);
  return block ? block->to_string() : block.error().message;
}

}  // namespace

TEST_CASE("the first block that overlaps nothing is chosen") {
  CHECK(next({}) == "10.89.0.0/24");
  CHECK(next(taken({"10.89.0.0/24"})) == "10.89.1.0/24");
  CHECK(next(taken({"10.89.0.128/25", "10.89.2.0/24"})) == "10.89.1.0/24");
  CHECK(next(taken({"10.89.0.0/23", "10.89.2.0/25"})) == "10.89.3.0/24");
  CHECK(next(taken({"10.89.0.0/16"})) == "10.90.0.0/24");
  CHECK(next(taken({"192.168.0.0/16", "fd00::/8"})) == "10.89.0.0/24");
  CHECK(next(taken({"10.0.0.0/8"})) == "could not find free subnet from subnet pools");
  CHECK(next(taken({"0.0.0.0/0"})) == "could not find free subnet from subnet pools");
}

TEST_CASE("pools of IPv6 are passed over, and pools at the end of the address space end") {
  CHECK(next({}, std::vector{SubnetPool{prefix("fd00::/16"), 64}, kPools[0]}) == "10.89.0.0/24");
  const std::vector last{SubnetPool{prefix("255.255.255.0/24"), 25}};
  CHECK(next(taken({"255.255.255.0/25"}), last) == "255.255.255.128/25");
  CHECK(next(taken({"255.255.255.0/24"}), last) == "could not find free subnet from subnet pools");
  CHECK(next({}, std::vector{SubnetPool{prefix("0.0.0.0/0"), 0}}) == "0.0.0.0/0");
}

TEST_CASE("blocks that do not fit their pool are refused") {
  CHECK_FALSE(check({prefix("10.89.0.0/16"), 15}));
  CHECK_FALSE(check({prefix("10.89.0.0/16"), 33}));
  CHECK(check({prefix("10.89.0.0/16"), 16}));
  CHECK(check({prefix("fd00::/16"), 128}));
  CHECK(next({}, std::vector{SubnetPool{prefix("10.89.0.0/16"), 8}}) ==
        "blocks of /8 cannot be cut from the pool 10.89.0.0/16");
}

TEST_CASE("a random subnet keeps clear of what is taken, or gives up") {
  uint64_t next = 0x0123456789abcdef;
  const auto count = [&] { return next++; };
  CHECK(random_unique_local(count, {})->to_string() == "fdcd:ab89:6745:2301::/64");
  next = 0;
  // The lowest byte of the bits does not count, so 256 draws give the same prefix.
  CHECK(random_unique_local(count, taken({"fd00::/64"}))->to_string() == "fd01::/64");
  const auto none = random_unique_local(count, taken({"fd00::/8"}));
  REQUIRE_FALSE(none);
  CHECK(none.error().code == Errc::exhausted);
}

TEST_CASE("a set of prefixes finds an overlap exactly when a search through all does") {
  std::mt19937 random{1};
  for (int round = 0; round < 300; ++round) {
    const auto draw = [&] {
      const auto length = static_cast<uint8_t>(random() % 9 + 24);
      return IpNetwork::containing(
                 IpAddress::v4(static_cast<uint32_t>(0x0a000000 + random() % 1024)), length)
          .value();
    };
    std::vector<IpNetwork> prefixes;
    for (auto i = random() % 6; i > 0; --i) prefixes.push_back(draw());
    const auto block = draw();
    const bool expected =
        std::ranges::any_of(prefixes, [&](const IpNetwork& one) { return one.overlaps(block); });
    CHECK(PrefixSet{prefixes}.find_overlap(block).has_value() == expected);
  }
}
