#include "dhcp/client6.h"

#include <doctest/doctest.h>

using namespace burrow;
using namespace burrow::dhcp;
using State = Client6::State;

namespace {

const Identity6 kIdentity{.duid = {0, 4, 1, 2, 3}, .iaid = 77};
const IpAddress kAddress = *IpAddress::parse("fd00:5::50");
const Buffer kServer{0, 3, 9};

void option(Buffer& out, uint16_t code, const Buffer& value) {
  put_u16(out, code);
  put_u16(out, value.size());
  put_bytes(out, value);
}

struct ServerMessage {
  uint8_t type = 2;
  uint32_t transaction = 0;
  Buffer client = kIdentity.duid;
  Buffer server = kServer;
  uint32_t iaid = kIdentity.iaid;
  uint32_t renew = 0;
  uint32_t rebind = 0;
  uint32_t preferred = 100;
  uint32_t valid = 120;
  std::optional<IpAddress> address = kAddress;
  uint16_t status = 0;
  std::optional<uint8_t> preference = {};

  [[nodiscard]] Buffer bytes() const {
    Buffer out;
    put_u32(out, uint32_t{type} << 24U | transaction);
    option(out, 1, client);
    option(out, 2, server);
    if (preference) option(out, 7, {*preference});
    Buffer association;
    put_u32(association, iaid);
    put_u32(association, renew);
    put_u32(association, rebind);
    if (address) {
      Buffer value{address->bytes().begin(), address->bytes().end()};
      put_u32(value, preferred);
      put_u32(value, valid);
      option(association, 5, value);
    }
    if (status != 0) {
      Buffer value;
      put_u16(value, status);
      put_text(value, "words");
      option(association, 13, value);
    }
    option(out, 3, association);
    Buffer dns{kAddress.bytes().begin(), kAddress.bytes().end()};
    option(out, 23, dns);
    option(out, 24, {3, 'l', 'a', 'n', 0});
    return out;
  }
};

struct Bench {
  Client6 client{kIdentity, 1};
  Instant now{milliseconds{1'000'000}};
  Actions6 actions;

  void wake() {
    REQUIRE(client.wake_at());
    now = std::max(now, *client.wake_at());
    actions = client.on_time(now);
  }
  void hear(ServerMessage message) {
    if (message.transaction == 0) message.transaction = transaction();
    actions = client.on_payload(message.bytes(), now);
  }
  template <typename Action>
  const Action* find() {
    for (const auto& action : actions) {
      if (const auto* found = std::get_if<Action>(&action)) return found;
    }
    return nullptr;
  }
  uint8_t sent_type() {
    note();
    return last.empty() ? 0 : last[0];
  }
  uint32_t transaction() {
    note();
    return ByteReader{last}.u32() & 0xffffffU;
  }
  void bind() {
    actions = client.start(now);
    note();
    hear({.type = 2, .preference = 255});
    note();
    hear({.type = 7});
    REQUIRE(client.state() == State::bound);
  }

  Buffer last;

 private:
  void note() {
    if (const auto* sent = find<Multicast>()) last = sent->payload;
  }
};

}  // namespace

TEST_CASE("the first wait collects advertisements and the best server is asked") {
  Bench bench;
  bench.actions = bench.client.start(bench.now);
  CHECK(bench.sent_type() == 1);
  bench.hear({.preference = 5});
  const Buffer better{0, 3, 7};
  bench.hear({.server = better, .preference = 9});
  CHECK(bench.client.state() == State::soliciting);
  bench.wake();
  CHECK(bench.sent_type() == 3);
  CHECK(bench.client.server_duid() == better);
}

TEST_CASE("the highest preference is not waited with") {
  Bench bench;
  bench.actions = bench.client.start(bench.now);
  bench.hear({.preference = 255});
  CHECK(bench.sent_type() == 3);
}

TEST_CASE("a reply binds address, DNS servers and domains") {
  Bench bench;
  bench.bind();
  const auto* granted = bench.find<Granted>();
  REQUIRE(granted);
  CHECK(granted->lease.address.to_string() == "fd00:5::50/128");
  CHECK(granted->lease.times == Times{seconds{50}, seconds{80}, seconds{120}});
  CHECK(granted->lease.dns_servers == std::vector{kAddress});
  CHECK(granted->lease.domains == std::vector<std::string>{"lan"});
  CHECK_FALSE(bench.client.is_listening());
}

TEST_CASE("answers for others, of other servers and about other associations are not heard") {
  Bench bench;
  bench.actions = bench.client.start(bench.now);
  bench.transaction();
  bench.hear({.client = {0, 4, 9}, .preference = 255});
  bench.hear({.transaction = bench.transaction() ^ 1U, .preference = 255});
  bench.hear({.iaid = 78, .preference = 255});
  CHECK(bench.client.state() == State::soliciting);
  bench.hear({.preference = 255});
  bench.transaction();
  bench.hear({.type = 7, .server = {0, 3, 8}});
  CHECK(bench.client.state() == State::requesting);
}

TEST_CASE("renewal asks its server, rebinding any, and the end takes the address") {
  Bench bench;
  bench.bind();
  const auto since = bench.now;
  bench.wake();
  CHECK(bench.now == since + seconds{50});
  CHECK(bench.sent_type() == 5);
  while (bench.now < since + seconds{80}) bench.wake();
  CHECK(bench.sent_type() == 6);
  int sent = 0;
  while (bench.find<Withdrawn>() == nullptr) {
    bench.wake();
    REQUIRE(++sent < 20);
  }
  CHECK(bench.now == since + seconds{120});
  CHECK(bench.sent_type() == 1);
}

TEST_CASE("a renewed lease begins anew") {
  Bench bench;
  bench.bind();
  bench.wake();
  bench.transaction();
  bench.hear({.type = 7, .preferred = 200, .valid = 200});
  REQUIRE(bench.find<Granted>());
  CHECK(bench.client.wake_at() == bench.now + seconds{100});
}

TEST_CASE("a server that has forgotten us is asked for the same address once more") {
  Bench bench;
  bench.bind();
  bench.wake();
  bench.transaction();
  bench.hear({.type = 7, .address = {}, .status = 3});
  CHECK(bench.sent_type() == 3);
  CHECK(bench.client.has_lease());
  bench.hear({.type = 7});
  CHECK(bench.find<Granted>());
  CHECK(bench.find<Withdrawn>() == nullptr);
}

TEST_CASE("an address whose life is zero goes") {
  Bench bench;
  bench.bind();
  bench.wake();
  bench.transaction();
  bench.hear({.type = 7, .preferred = 0, .valid = 0});
  CHECK(bench.find<Withdrawn>());
  CHECK(bench.client.state() == State::waiting);
}

TEST_CASE("a server without addresses is named with its words") {
  Bench bench;
  bench.actions = bench.client.start(bench.now);
  bench.hear({.address = {}, .status = 2, .preference = 255});
  CHECK(bench.client.state() == State::soliciting);
  CHECK(bench.client.trouble() == "a server answers: words");
}

TEST_CASE("a release names server and address and ends all") {
  Bench bench;
  bench.bind();
  bench.actions = bench.client.release(bench.now);
  CHECK(bench.sent_type() == 8);
  CHECK_FALSE(bench.client.wake_at());
  CHECK(bench.client.release(bench.now).empty());
}
