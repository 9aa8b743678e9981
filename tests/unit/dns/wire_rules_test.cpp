// What the RFCs demand of every reply, whatever it says.
#include <doctest/doctest.h>

#include <algorithm>

#include "dns/answer.h"
#include "messages.h"
#include "networks.h"

using namespace burrow;
using namespace burrow::dns;
using namespace burrow::dns::test;

namespace {

struct Outcome {
  Verdict verdict;
  Message bytes;
  Parsed reply;
};

Outcome send(const Message& message, Transport transport = Transport::udp) {
  static const Zones kZones{
      {make_network("net", "10.1.0.1\n=   note 0 TXT \"x\"\nx 10.1.0.2 fd01::2 web\n")},
      {},
      {.search_domain = *DomainName::parse("dns.podman")}};
  std::vector<uint8_t> buffer(transport == Transport::tcp ? kMaximumMessageSize : kUdpSize);
  Query query;
  Outcome outcome{
      answer(kZones, {0, *IpAddress::parse("10.1.0.2"), transport}, message, query, buffer),
      {},
      {}};
  if (const auto* reply = std::get_if<Reply>(&outcome.verdict)) {
    outcome.bytes.assign(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(reply->size));
    outcome.reply = ReplyReader{outcome.bytes}.read();
    CHECK(outcome.reply.is_whole);
  }
  return outcome;
}

void put_record(Message& message, std::string_view name, unsigned type, unsigned record_class,
                const Message& data) {
  put_name(message, name);
  put_u16(message, type);
  put_u16(message, record_class);
  message.insert(message.end(), 4, 0);
  put_u16(message, static_cast<unsigned>(data.size()));
  message.insert(message.end(), data.begin(), data.end());
}

// An OPT record with options behind a query that has none.
Message with_options(const Message& options) {
  auto message = make_query("web", kA);
  put_record(message, "", kOpt, 4096, options);
  message[11] = 1;
  return message;
}

constexpr unsigned kFormErr = 1;
constexpr unsigned kNotImp = 4;
constexpr unsigned kRefused = 5;

}  // namespace

TEST_CASE("every opcode but QUERY is not implemented, and keeps its number") {
  for (unsigned opcode = 1; opcode < 16; ++opcode) {
    CAPTURE(opcode);  // IQUERY, STATUS, NOTIFY (4), UPDATE (5), DSO (6), ...
    const auto outcome =
        send(make_query("web", kA, {.flags = static_cast<uint16_t>(opcode << 11U)}));
    CHECK(outcome.reply.rcode() == kNotImp);
    CHECK((outcome.reply.flags >> 11U & 15U) == opcode);
    CHECK(outcome.reply.answer.empty());
    CHECK_FALSE(outcome.reply.is_authoritative());
  }
}

TEST_CASE("a response of any opcode is dropped, so that two servers never answer each other") {
  for (unsigned opcode = 0; opcode < 16; ++opcode) {
    const auto flags = static_cast<uint16_t>(0x8000U | opcode << 11U);
    CHECK(std::holds_alternative<Drop>(send(make_query("web", kA, {.flags = flags})).verdict));
  }
}

TEST_CASE("classes other than IN are refused, also by special names") {
  for (const uint16_t record_class :
       {uint16_t{0}, uint16_t{3}, uint16_t{4}, uint16_t{254}, uint16_t{255}, uint16_t{65535}}) {
    for (const auto* name : {"web", "localhost", "version.bind", "nobody.dns.podman"}) {
      CHECK(send(make_query(name, 16, {.record_class = record_class})).reply.rcode() == kRefused);
    }
  }
}

TEST_CASE("no question and several are a format error (RFC 9619)") {
  for (const uint8_t count : {uint8_t{0}, uint8_t{2}, uint8_t{255}}) {
    auto message = make_query("web", kA);
    message[5] = count;
    const auto outcome = send(message);
    CHECK(outcome.reply.rcode() == kFormErr);
    CHECK(outcome.reply.question.empty());
    CHECK(outcome.reply.id == 0x1234);
  }
}

TEST_CASE("options that we do not know are passed over and never echoed") {
  Message options;
  for (const unsigned code : {3U, 8U, 10U, 12U, 65001U}) {  // NSID, ECS, COOKIE, padding, private
    put_u16(options, code);
    put_u16(options, 8);
    options.insert(options.end(), 8, 'x');
  }
  for (const auto transport : {Transport::udp, Transport::tcp}) {
    const auto outcome = send(with_options(options), transport);
    CHECK(outcome.reply.data() == Texts{"10.1.0.2"});
    REQUIRE(outcome.reply.additional.size() == 1);
    CHECK(outcome.reply.additional[0].record_class == kUdpSize);
    CHECK(outcome.reply.additional[0].data.empty());
    CHECK(std::ranges::search(outcome.bytes, std::string_view{"xxxx"}).empty());
  }
}

TEST_CASE("two OPT records, or one that is not the root's, are a format error (RFC 6891)") {
  auto two = with_options({});
  put_record(two, "", kOpt, 4096, {});
  two[11] = 2;
  CHECK(send(two).reply.rcode() == kFormErr);
  auto named = make_query("web", kA);
  put_record(named, "x", kOpt, 4096, {});
  named[11] = 1;
  CHECK(send(named).reply.rcode() == kFormErr);
  auto misplaced = make_query("web", kA);
  put_record(misplaced, "", kOpt, 4096, {});
  misplaced[7] = 1;  // in the answer section
  CHECK(send(misplaced).reply.rcode() == kFormErr);
}

TEST_CASE("records that a query brings along are read and not echoed") {
  auto message = make_query("web", kA);
  put_record(message, "evil", kA, 1, {10, 9, 9, 9});
  message[7] = 1;
  const auto outcome = send(message);
  CHECK(outcome.reply.data() == Texts{"10.1.0.2"});
  CHECK(outcome.reply.authority.empty());
  CHECK(outcome.reply.additional.empty());
}

TEST_CASE("the case of the question is kept to the letter, in question and owner (0x20)") {
  for (const auto* name : {"wEb", "WEB.dNs.PODman", "LocalHost", "NoBody.dns.podman"}) {
    const auto outcome = send(make_query(name, kA));
    const auto asked = make_query(name, kA);
    REQUIRE(outcome.bytes.size() >= asked.size());
    CHECK(std::equal(asked.begin() + 12, asked.end(), outcome.bytes.begin() + 12));
    for (const auto& record : outcome.reply.answer) CHECK(record.name == std::string{name} + ".");
  }
}

TEST_CASE("every type from 1 to 65535 of a name has an answer, an empty one or its own code") {
  for (unsigned type = 1; type <= 65535; ++type) {
    const auto outcome = send(make_query("web", static_cast<uint16_t>(type)));
    REQUIRE(std::holds_alternative<Reply>(outcome.verdict));
    const unsigned rcode = outcome.reply.rcode();
    const bool is_transfer = type == 251 || type == 252;
    REQUIRE(rcode == (type == kOpt ? kFormErr : is_transfer ? kRefused : 0U));
    if (rcode == 0) REQUIRE(outcome.reply.answer.size() + outcome.reply.authority.size() == 1);
  }
}
