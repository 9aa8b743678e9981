#include "dhcp/client4.h"

#include <doctest/doctest.h>

#include "tests/unit/dhcp/server4.h"

using namespace burrow;
using namespace burrow::dhcp;
using namespace burrow::dhcp::testing;
using State = Client4::State;

namespace {

constexpr MacAddress kOther{{2, 0, 0, 0, 0, 9}};

// A client and the hand that turns its clock.
struct Bench {
  Client4 client{Identity4{.mac = kMac}, 1};
  Instant now{milliseconds{1'000'000}};
  Actions4 actions;

  void start() { actions = client.start(now); }
  // On to when the client wants to be called.
  void wake() {
    REQUIRE(client.wake_at());
    now = std::max(now, *client.wake_at());
    actions = client.on_time(now);
  }
  void hear(ServerMessage message) {
    if (message.transaction == 0) message.transaction = transaction;
    actions = client.on_payload(message.bytes(), now);
  }
  // The message among the actions, of which there must be one.
  Buffer sent() {
    for (const auto& action : actions) {
      if (const auto* broadcast = std::get_if<Broadcast>(&action)) return note(broadcast->payload);
      if (const auto* unicast = std::get_if<Unicast>(&action)) return note(unicast->payload);
      if (const auto* back = std::get_if<GiveBack>(&action)) return note(back->payload);
    }
    FAIL("nothing was sent");
    return {};
  }
  uint8_t sent_type() { return option_of(sent(), 53)->front(); }
  template <typename Action>
  const Action* find() {
    for (const auto& action : actions) {
      if (const auto* found = std::get_if<Action>(&action)) return found;
    }
    return nullptr;
  }
  void bind() {
    start();
    sent();
    hear({.type = 2});
    sent();
    hear({.type = 5});
    while (client.state() == State::probing) wake();
    REQUIRE(client.state() == State::bound);
  }

  uint32_t transaction = 0;

 private:
  Buffer note(const Buffer& payload) {
    transaction = transaction_of(payload);
    return payload;
  }
};

}  // namespace

TEST_CASE("discover, offer, request, ack, three probes, bound") {
  Bench bench;
  bench.start();
  CHECK(bench.sent_type() == 1);
  bench.hear({.type = 2});
  const auto request = bench.sent();
  CHECK(option_of(request, 53) == Buffer{3});
  CHECK(option_of(request, 50) == Buffer{10, 5, 0, 50});
  CHECK(option_of(request, 54) == Buffer{10, 5, 0, 1});
  const auto asked_at = bench.now;
  bench.now += milliseconds{40};
  bench.hear({.type = 5});
  int probes = 0;
  while (bench.client.state() == State::probing) {
    CHECK(bench.find<Granted>() == nullptr);
    if (const auto* probe = bench.find<Probe>()) {
      CHECK(probe->target == kAddress);
      ++probes;
    }
    bench.wake();
  }
  CHECK(probes == 3);
  const auto* granted = bench.find<Granted>();
  REQUIRE(granted);
  CHECK(granted->since == asked_at);  // the server counts from no later than our asking
  CHECK(granted->lease.address.to_string() == "10.5.0.50/24");
  CHECK(bench.now - asked_at < seconds{1});
  CHECK_FALSE(bench.client.is_listening());
}

TEST_CASE("a discover is repeated with waits that double and vary, up to a minute") {
  Bench bench;
  bench.start();
  const auto first = bench.sent();
  auto wait = milliseconds{1000};
  for (int i = 0; i < 12; ++i) {
    const auto before = bench.now;
    bench.wake();
    CHECK(bench.sent_type() == 1);
    CHECK(transaction_of(bench.sent()) == transaction_of(first));
    CHECK(bench.now - before >= wait * 3 / 4);
    CHECK(bench.now - before <= wait * 5 / 4);
    wait = std::min(wait * 2, milliseconds{64'000});
  }
  CHECK(bench.client.trouble() == "no DHCP server answers");
}

TEST_CASE("answers for somebody else are not heard") {
  Bench bench;
  bench.start();
  bench.sent();
  bench.hear({.type = 2, .transaction = bench.transaction + 1});
  CHECK(bench.actions.empty());
  bench.hear({.type = 2, .mac = kOther});
  CHECK(bench.actions.empty());
  CHECK(bench.client.state() == State::selecting);
  CHECK(bench.client.trouble() == "no answer, but 2 for other clients");
}

TEST_CASE("garbage is named and changes nothing") {
  Bench bench;
  bench.start();
  bench.actions = bench.client.on_payload(Buffer{1, 2, 3}, bench.now);
  CHECK(bench.actions.empty());
  CHECK(bench.client.trouble() == "an answer makes no sense: 3 bytes are no message");
}

TEST_CASE("of several servers the first is chosen and only that one is heard") {
  Bench bench;
  bench.start();
  bench.sent();
  bench.hear({.type = 2});
  bench.sent();
  const auto second = *IpAddress::parse("10.5.0.2");
  bench.hear({.type = 2, .server = second});
  bench.hear({.type = 5, .server = second});
  bench.hear({.type = 6, .server = second});
  CHECK(bench.actions.empty());
  CHECK(bench.client.state() == State::requesting);
  bench.hear({.type = 5});
  CHECK(bench.client.state() == State::probing);
}

TEST_CASE("a server that offers and never grants is left for another after three requests") {
  Bench bench;
  bench.start();
  bench.sent();
  bench.hear({.type = 2});
  for (int i = 0; i < 2; ++i) {
    bench.wake();
    CHECK(bench.sent_type() == 3);
  }
  bench.wake();
  CHECK(bench.sent_type() == 1);
  CHECK(bench.client.trouble() == "server 10.5.0.1 offers 10.5.0.50 and does not grant it");
}

TEST_CASE("a server that refuses what it offers is asked less and less often") {
  Bench bench;
  bench.start();
  auto last = milliseconds{0};
  for (int i = 0; i < 4; ++i) {
    bench.sent();
    bench.hear({.type = 2});
    bench.sent();
    Buffer words;
    ServerMessage::option(words, 56, Buffer{'f', 'u', 'l', 'l'});
    bench.hear({.type = 6, .more = words});
    CHECK(bench.actions.empty());
    const auto before = bench.now;
    bench.wake();
    CHECK(bench.now - before > last);
    last = bench.now - before;
    CHECK(bench.sent_type() == 1);
  }
  CHECK(bench.client.trouble() == "server 10.5.0.1 refuses 10.5.0.50: full");
}

TEST_CASE("an address that somebody has is declined, and asked for anew") {
  Bench bench;
  bench.start();
  bench.sent();
  bench.hear({.type = 2});
  bench.sent();
  bench.hear({.type = 5});
  bench.actions = bench.client.on_claim(kAddress, kMac, bench.now);  // our own probe, come back
  CHECK(bench.client.state() == State::probing);
  bench.actions = bench.client.on_claim(kServer, kOther, bench.now);  // another address
  CHECK(bench.client.state() == State::probing);
  bench.actions = bench.client.on_claim(kAddress, kOther, bench.now);
  const auto decline = bench.sent();
  CHECK(option_of(decline, 53) == Buffer{4});
  CHECK(option_of(decline, 50) == Buffer{10, 5, 0, 50});
  CHECK(option_of(decline, 54) == Buffer{10, 5, 0, 1});
  CHECK(bench.client.trouble() == "address 10.5.0.50 is in use by 02:00:00:00:00:09");
  const auto before = bench.now;
  bench.wake();
  CHECK(bench.sent_type() == 1);
  CHECK(bench.now == before);
  // The second time we wait for ten seconds (RFC 2131 section 3.1.5).
  bench.hear({.type = 2});
  bench.sent();
  bench.hear({.type = 5});
  bench.actions = bench.client.on_claim(kAddress, kOther, bench.now);
  bench.wake();
  CHECK(bench.now - before >= seconds{10});
}

TEST_CASE("at T1 the server is asked by unicast and the lease begins anew") {
  Bench bench;
  bench.bind();
  const auto since = bench.find<Granted>()->since;
  bench.wake();
  CHECK(bench.now == since + seconds{60});
  const auto* unicast = bench.find<Unicast>();
  REQUIRE(unicast);
  CHECK(unicast->server == kServer);
  CHECK(unicast->source == kAddress);
  const auto request = bench.sent();
  CHECK(request[12] == 10);             // ciaddr
  CHECK_FALSE(option_of(request, 50));  // RFC 2131 table 4
  CHECK_FALSE(option_of(request, 54));
  bench.hear({.type = 5, .server = *IpAddress::parse("10.5.0.2")});  // not asked
  CHECK(bench.client.state() == State::renewing);
  bench.hear({.type = 5, .valid = 240});
  REQUIRE(bench.find<Granted>());
  CHECK(bench.find<Granted>()->lease.times.valid == seconds{240});
  CHECK(bench.client.wake_at() == bench.now + seconds{120});
  CHECK(bench.find<Probe>() == nullptr);
}

TEST_CASE("from T2 on any server is asked, and another may grant") {
  Bench bench;
  bench.bind();
  const auto since = bench.find<Granted>()->since;
  while (bench.now < since + seconds{105}) bench.wake();
  CHECK(bench.now == since + seconds{105});
  CHECK(bench.client.state() == State::rebinding);
  REQUIRE(bench.find<Broadcast>());
  CHECK(bench.find<Broadcast>()->source == kAddress);
  bench.sent();
  const auto second = *IpAddress::parse("10.5.0.2");
  bench.hear({.type = 5, .server = second});
  REQUIRE(bench.find<Granted>());
  CHECK(bench.find<Granted>()->lease.server == second);
}

TEST_CASE("at the end of the lease the address goes, and all begins anew") {
  Bench bench;
  bench.bind();
  const auto since = bench.find<Granted>()->since;
  int sent = 0;
  while (bench.find<Withdrawn>() == nullptr) {
    bench.wake();
    ++sent;
    REQUIRE(sent < 20);
  }
  CHECK(bench.now == since + seconds{120});
  CHECK(bench.find<Withdrawn>()->reason == "the lease has expired");
  CHECK(bench.sent_type() == 1);
  CHECK_FALSE(bench.client.has_lease());
}

TEST_CASE("a machine that slept through the end of the lease asks for no renewal") {
  Bench bench;
  bench.bind();
  bench.now += seconds{1000};
  bench.actions = bench.client.on_time(bench.now);
  CHECK(bench.find<Withdrawn>());
  CHECK(bench.sent_type() == 1);
}

TEST_CASE("a refusal during renewal takes the address away at once") {
  Bench bench;
  bench.bind();
  bench.wake();
  bench.sent();
  bench.hear({.type = 6});
  REQUIRE(bench.find<Withdrawn>());
  CHECK(bench.find<Withdrawn>()->reason == "server 10.5.0.1 refuses 10.5.0.50");
  CHECK(bench.sent_type() == 1);
}

TEST_CASE("an answer that comes after the end of the lease renews nothing") {
  Bench bench;
  bench.bind();
  bench.wake();
  bench.sent();
  bench.now += seconds{60};
  bench.hear({.type = 5});
  CHECK(bench.find<Withdrawn>());
  CHECK(bench.find<Granted>() == nullptr);
}

TEST_CASE("another address in an answer is probed like a new one") {
  Bench bench;
  bench.bind();
  bench.wake();
  bench.sent();
  bench.hear({.type = 5, .address = *IpAddress::parse("10.5.0.51")});
  CHECK(bench.find<Withdrawn>());
  CHECK(bench.find<Granted>() == nullptr);
  CHECK(bench.client.state() == State::probing);
}

TEST_CASE("a lease without end wants nothing") {
  Bench bench;
  bench.start();
  bench.sent();
  bench.hear({.type = 2, .valid = 0xffffffffU});
  bench.sent();
  bench.hear({.type = 5, .valid = 0xffffffffU});
  while (bench.client.state() == State::probing) bench.wake();
  CHECK(bench.find<Granted>()->lease.times.valid == kForever);
  CHECK_FALSE(bench.client.wake_at());
}

TEST_CASE("a release goes to the server and ends all") {
  Bench bench;
  bench.bind();
  bench.actions = bench.client.release(bench.now);
  const auto* back = bench.find<GiveBack>();
  REQUIRE(back);
  CHECK(back->server == kServer);
  CHECK(bench.sent_type() == 7);
  CHECK_FALSE(bench.client.wake_at());
  CHECK(bench.client.release(bench.now).empty());
}

TEST_CASE("a lease of before goes on at its stage") {
  Bench first;
  first.bind();
  const auto granted = *first.find<Granted>();
  const auto at = [&](seconds after) {
    Bench bench;
    bench.now = granted.since + after;
    bench.actions = bench.client.resume(granted.lease, granted.since, bench.now);
    return std::pair{bench.client.state(), bench.find<Withdrawn>() != nullptr};
  };
  CHECK(at(seconds{10}) == std::pair{State::bound, false});
  CHECK(at(seconds{60}) == std::pair{State::renewing, false});
  CHECK(at(seconds{110}) == std::pair{State::rebinding, false});
  CHECK(at(seconds{120}) == std::pair{State::selecting, true});
}

TEST_CASE("renewals wait for half of what is left, at least a minute") {
  const Pace pace;
  const Instant begin{};
  const auto end = begin + seconds{1000};
  CHECK(renewal_wait(pace, begin, begin, end) == seconds{500});
  CHECK(renewal_wait(pace, begin, begin + seconds{980}, end) == seconds{60});
  CHECK(renewal_wait(pace, begin, begin + seconds{7}, begin + seconds{8}) == seconds{2});
}
