#include "dns/server_health.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "dns/client_shares.h"

using namespace burrow;
using namespace burrow::dns;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr Clock::time_point kStart{std::chrono::hours{1}};
const Upstream kOne{IpAddress::v4(1)};
const Upstream kTwo{IpAddress::v4(2)};

}  // namespace

TEST_CASE("servers keep their order until one is silent, which is then asked last") {
  ServerHealth health;
  CHECK(health.order({kOne, kTwo}, kStart).servers == std::vector{kOne, kTwo});
  health.was_silent(kOne, kStart);
  const auto turns = health.order({kOne, kTwo}, kStart + seconds{1});
  CHECK(turns.servers == std::vector{kTwo, kOne});
  CHECK(turns.trusted == 1);
  CHECK_FALSE(turns.probe);
}

TEST_CASE("a silent server is probed by one question in ten seconds until it answers") {
  ServerHealth health;
  health.was_silent(kOne, kStart);
  const auto later = kStart + seconds{11};
  const auto turns = health.order({kOne, kTwo}, later);
  CHECK(turns.servers == std::vector{kTwo, kOne});
  CHECK(turns.probe == 1);
  CHECK_FALSE(health.order({kOne, kTwo}, later).probe);
  health.answered(kOne, milliseconds{5});
  CHECK(health.order({kOne, kTwo}, later).servers == std::vector{kOne, kTwo});
}

TEST_CASE("when all servers are silent none of them is a probe") {
  ServerHealth health;
  health.was_silent(kOne, kStart);
  const auto turns = health.order({kOne}, kStart + seconds{60});
  CHECK(turns.trusted == 0);
  CHECK_FALSE(turns.probe);
}

TEST_CASE("a server's turn is three of its round trips, within bounds") {
  ServerHealth health;
  CHECK(health.turn_of(kOne) == milliseconds{300});
  health.answered(kOne, milliseconds{1});
  CHECK(health.turn_of(kOne) == milliseconds{200});
  health.answered(kTwo, milliseconds{150});
  CHECK(health.turn_of(kTwo) == milliseconds{450});
  for (int i = 0; i < 100; ++i) health.answered(kTwo, seconds{4});
  CHECK(health.turn_of(kTwo) == milliseconds{1000});
}

TEST_CASE("a server that loses the case of questions is spared mixed case for an hour") {
  ServerHealth health;
  CHECK(health.keeps_case(kOne, kStart));
  health.lost_case(kOne, kStart);
  CHECK_FALSE(health.keeps_case(kOne, kStart + std::chrono::minutes{59}));
  CHECK(health.keeps_case(kOne, kStart + std::chrono::minutes{61}));
}

TEST_CASE("what is remembered of servers is bounded") {
  ServerHealth health;
  for (uint32_t i = 0; i < 20000; ++i) {
    health.answered({.address = IpAddress::v4(i)}, milliseconds{1});
  }
  CHECK(health.records().size() <= 4096);
}

TEST_CASE("a server with no way to it is not asked at all for a moment, and last for a while") {
  ServerHealth health;
  const Upstream server{.address = IpAddress::v4(0x0a000001)};
  const Upstream other{.address = IpAddress::v4(0x0a000002)};
  const Clock::time_point now{};
  CHECK(health.is_reachable(server, now));
  health.was_unreachable(server, now);
  CHECK_FALSE(health.is_reachable(server, now));
  CHECK(health.is_reachable(other, now));
  CHECK(health.order({server, other}, now).servers[0] == other);
  CHECK(health.is_reachable(server, now + std::chrono::milliseconds{101}));
}

TEST_CASE("one client gets no more than its share, and the rest stays for others") {
  ClientShares shares{1000, 100};
  const auto greedy = IpAddress::v4(1);
  int taken = 0;
  while (shares.take(greedy)) ++taken;
  CHECK(taken == 100);
  CHECK(shares.take(IpAddress::v4(2)));
  shares.give_back(greedy);
  CHECK(shares.take(greedy));
}

TEST_CASE("however many are greedy, in the end all have the same and a newcomer still gets some") {
  ClientShares shares{1000, 100};
  std::vector<int> held(20);
  // Questions end, and their clients ask for as many new ones as they are given.
  for (int round = 0; round < 50; ++round) {
    for (uint32_t client = 0; client < held.size(); ++client) {
      const auto address = IpAddress::v4(client + 1);
      for (; held[client] > 0; --held[client]) shares.give_back(address);
      while (shares.take(address)) ++held[client];
    }
  }
  CHECK(*std::ranges::max_element(held) - *std::ranges::min_element(held) <= 2);
  int newcomer = 0;
  while (shares.take(IpAddress::v4(99))) ++newcomer;
  CHECK(newcomer >= 10);
}
