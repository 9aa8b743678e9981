#include "dns/server_threads.h"

#include <doctest/doctest.h>

#include <atomic>
#include <set>
#include <thread>
#include <vector>

namespace burrow::dns {
namespace {

struct Fixture {
  EventLoop loop;
  LogListeners listeners;
  ServerThreads servers{loop, 3, Compatibility::none, ServerLimits{}, listeners};
};

TEST_CASE(
    "every server is visited on a thread of its own, and all have been when the call returns") {
  Fixture fixture;
  REQUIRE(fixture.servers.start());
  for (int round = 0; round < 100; ++round) {
    std::vector<std::thread::id> threads(3);
    fixture.servers.for_each(
        [&](size_t number, Server&) { threads[number] = std::this_thread::get_id(); });
    CHECK(threads[0] == std::this_thread::get_id());
    CHECK(std::set(threads.begin(), threads.end()).size() == 3);
  }
  fixture.servers.stop();
}

TEST_CASE("before the start and after the end servers are visited by the caller") {
  Fixture fixture;
  const auto count_here = [&] {
    std::atomic<size_t> here = 0;
    const auto caller = std::this_thread::get_id();
    fixture.servers.for_each(
        [&](size_t, Server&) { here += std::this_thread::get_id() == caller ? 1 : 0; });
    return here.load();
  };
  CHECK(count_here() == 3);
  REQUIRE(fixture.servers.start());
  CHECK(count_here() == 1);
  fixture.servers.stop();
  CHECK(count_here() == 3);
}

TEST_CASE("zones that are swapped under running servers are seen by each") {
  Fixture fixture;
  REQUIRE(fixture.servers.start());
  for (int round = 0; round < 200; ++round) {
    const auto zones =
        std::make_shared<const Zones>(Zones::Networks{}, std::vector<IpNetwork>{}, ZoneSettings{});
    const Serving serving{.zones = zones, .networks = {}};
    fixture.servers.for_each([&](size_t, Server& server) { server.serve(serving, {}); });
    std::vector<std::shared_ptr<const Zones>> seen(3);
    fixture.servers.for_each(
        [&](size_t number, Server& server) { seen[number] = server.authority().zones; });
    CHECK(seen == std::vector(3, zones));
  }
  fixture.servers.stop();
}

TEST_CASE("reports are added up, and of an upstream the best time and the worst suspicion count") {
  const Upstream upstream{.address = *IpAddress::parse("192.0.2.1")};
  const Upstream other{.address = *IpAddress::parse("192.0.2.2")};
  const Clock::time_point later{std::chrono::seconds{100}};
  ServerReport left;
  left.counts.udp = 3;
  left.counts.answered[3] = 1;
  left.forwarding.cache_hits = 5;
  left.connections = 2;
  left.upstreams[upstream] = {.round_trip = std::chrono::milliseconds{9}};
  ServerReport right;
  right.counts.udp = 4;
  right.counts.answered[3] = 2;
  right.forwarding.cache_hits = 1;
  right.upstreams[upstream] = {.round_trip = std::chrono::milliseconds{7}, .silent_until = later};
  right.upstreams[other] = {.caseless_until = later};
  left.add(right);
  CHECK(left.counts.udp == 7);
  CHECK(left.counts.answered[3] == 3);
  CHECK(left.forwarding.cache_hits == 6);
  CHECK(left.connections == 2);
  CHECK(left.upstreams.at(upstream).round_trip == std::chrono::milliseconds{7});
  CHECK(left.upstreams.at(upstream).silent_until == later);
  CHECK(left.upstreams.at(other).caseless_until == later);
}

}  // namespace
}  // namespace burrow::dns
