#include "dns/relay.h"

#include <doctest/doctest.h>

#include "messages.h"

using namespace burrow;
using namespace burrow::dns;
using namespace burrow::dns::test;

namespace {

PendingQuestion pending(const Message& message, Transport transport = Transport::udp) {
  Query query;
  REQUIRE(decode_query(message, query) == Decoded::query);
  return {query, transport};
}

// An upstream's response to `asked` with `count` A records.
Message respond(Message asked, unsigned count, unsigned flags = 0x8180) {
  Message opt;
  if (asked[11] == 1) {
    opt.assign(asked.end() - 11, asked.end());
    asked.resize(asked.size() - 11);
    opt[3] = 0x10;  // 4096
    opt[4] = 0x00;
  }
  asked[2] = static_cast<uint8_t>(flags >> 8);
  asked[3] = static_cast<uint8_t>(flags);
  asked[6] = static_cast<uint8_t>(count >> 8);
  asked[7] = static_cast<uint8_t>(count);
  for (unsigned i = 0; i < count; ++i) {
    asked.insert(asked.end(),
                 {0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, static_cast<uint8_t>(i)});
  }
  asked.insert(asked.end(), opt.begin(), opt.end());
  return asked;
}

Parsed relay(const PendingQuestion& question, const Message& response) {
  const auto reply = relayed_response(question, response);
  REQUIRE(reply);
  const auto parsed = ReplyReader{*reply}.read();
  CHECK(parsed.is_whole);
  return parsed;
}

}  // namespace

TEST_CASE("a question goes up verbatim under another id, with an OPT record of our own") {
  auto message = make_query("ExAmple.com", kMx, {.flags = 0x0110, .udp_size = 4096});
  // A client cookie, which is for us and not for the upstream.
  message.insert(message.end(), {0, 10, 0, 2, 7, 7});
  message[message.size() - 7] = 6;
  const auto up = upstream_query(pending(message), 0xbeef);
  const auto parsed = ReplyReader{up}.read();
  CHECK(parsed.is_whole);
  CHECK(parsed.id == 0xbeef);
  CHECK(parsed.flags == 0x0110);
  CHECK(parsed.question == "ExAmple.com. 15");
  REQUIRE(parsed.additional.size() == 1);
  CHECK(parsed.additional[0].record_class == kUdpSize);
  CHECK(parsed.additional[0].data.empty());
  CHECK(ReplyReader{upstream_query(pending(make_query("a", kA)), 1)}.read().additional.empty());
}

TEST_CASE("responses are judged by their header") {
  const auto asked = make_query("a", kA);
  CHECK(judge(respond(asked, 1)) == Judgement::good);
  CHECK(judge(respond(asked, 0, 0x8183)) == Judgement::good);
  CHECK(judge(respond(asked, 1, 0x8380)) == Judgement::truncated);
  for (const unsigned rcode : {1U, 2U, 4U, 5U}) {
    CHECK(judge(respond(asked, 0, 0x8180 | rcode)) == Judgement::failed);
  }
  CHECK(judge(asked) == Judgement::garbage);
  CHECK(judge(Message(5)) == Judgement::garbage);
}

TEST_CASE(
    "a relayed response has the client's id, question and RD, RA, and the upstream's records") {
  const auto question = pending(make_query("ExAmple.com", kA));
  auto response = respond(make_query("example.com", kA, {.id = 7}), 2, 0x8420);
  const auto parsed = relay(question, response);
  CHECK(parsed.id == 0x1234);
  CHECK(parsed.flags == 0x85a0);  // QR AA RD RA AD
  CHECK(parsed.question == "ExAmple.com. 1");
  CHECK(parsed.data() == std::vector<std::string>{"192.0.2.0", "192.0.2.1"});
  CHECK(parsed.answer[0].ttl == 60);
}

TEST_CASE("another question, a broken record or a missing one is no response") {
  const auto question = pending(make_query("example.com", kA));
  CHECK_FALSE(relayed_response(question, respond(make_query("example.org", kA), 1)));
  CHECK_FALSE(relayed_response(question, respond(make_query("example.com", kMx), 1)));
  const auto whole = respond(make_query("example.com", kA), 3);
  REQUIRE(relayed_response(question, whole));
  for (size_t size = 0; size < whole.size(); ++size) {
    const Message cut{whole.begin(), whole.begin() + static_cast<long>(size)};
    CHECK_FALSE(relayed_response(question, cut));
  }
}

TEST_CASE("a response is cut to the client's size in whole records, with TC and its OPT record") {
  const auto plain =
      relay(pending(make_query("example.com", kA)), respond(make_query("example.com", kA), 200));
  CHECK(plain.is_truncated());
  CHECK(plain.answer.size() == (512 - 12 - 17) / 16);
  const auto edns = make_query("example.com", kA, {.udp_size = 4096});
  const auto wide = relay(pending(edns), respond(edns, 200));
  CHECK(wide.is_truncated());
  CHECK(wide.answer.size() == (kUdpSize - 12 - 17 - 11) / 16);
  REQUIRE(wide.additional.size() == 1);
  CHECK(wide.additional[0].record_class == kUdpSize);
  const auto tcp = relay(pending(edns, Transport::tcp), respond(edns, 200));
  CHECK_FALSE(tcp.is_truncated());
  CHECK(tcp.answer.size() == 200);
}

TEST_CASE("an OPT record that the client did not ask for stays away") {
  const auto edns = make_query("example.com", kA, {.udp_size = 4096});
  CHECK(relay(pending(make_query("example.com", kA)), respond(edns, 1)).additional.empty());
}
