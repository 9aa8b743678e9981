#include "dns/alias_chase.h"

#include <doctest/doctest.h>

#include <array>

#include "messages.h"
#include "networks.h"

using namespace burrow;
using namespace burrow::dns;
using namespace burrow::dns::test;

namespace {

struct Asked {
  Message message;
  Message reply = Message(kUdpSize);
  Query query;
  Verdict verdict = Drop{};
};

Asked ask(std::string_view name, uint16_t type, Reach reach = Reach::external, int udp_size = -1) {
  static const auto make_zones = [](Reach of) {
    Zones::Networks networks{make_network(of == Reach::internal ? "net%int" : "net",
                                          "10.1.0.1\n"
                                          "=   db 5 CNAME db.corp.example.\n"
                                          "=   main 6 CNAME db\n"
                                          "=   near 7 CNAME web.dns.podman.\n"
                                          "=   gone 7 CNAME nobody.dns.podman.\n"
                                          "=   here 7 CNAME localhost.\n"
                                          "=   bare 7 CNAME web.\n"
                                          "=   full 7 CNAME web.net.\n"
                                          "=   host 7 CNAME host.containers.internal.\n"
                                          "x 10.1.0.2  web\n")};
    return Zones{std::move(networks),
                 {*IpNetwork::parse("10.1.0.0/24")},
                 {.search_domain = *DomainName::parse("dns.podman")}};
  };
  static const Zones outside = make_zones(Reach::external);
  static const Zones internal = make_zones(Reach::internal);
  Asked asked{.message = make_query(name, type, {.udp_size = udp_size})};
  asked.verdict = answer(reach == Reach::internal ? internal : outside,
                         {0, *IpAddress::parse("10.1.0.2"), Transport::udp}, asked.message,
                         asked.query, asked.reply);
  return asked;
}

AliasChase chase_of(const Asked& asked) {
  const auto* chase = std::get_if<Chase>(&asked.verdict);
  REQUIRE(chase != nullptr);
  return {asked.query, Transport::udp, Bytes{asked.reply}.first(chase->size), chase->target};
}

// An upstream's response to the question of `chase`: whatever `records` are, which begin with a
// pointer to the question.
Message respond(const AliasChase& chase, unsigned flags, std::array<unsigned, 3> counts,
                const Message& records) {
  const auto query = chase.query();
  Message response;
  for (const unsigned word : {7U, flags, 1U, counts[0], counts[1], counts[2]}) {
    put_u16(response, word);
  }
  response.insert(response.end(), query.question.begin(), query.question.end());
  response.insert(response.end(), records.begin(), records.end());
  return response;
}

Parsed complete(const AliasChase& chase, const Message& response) {
  const auto whole = chase.completed(response);
  const auto parsed = ReplyReader{whole}.read();
  CHECK(parsed.is_whole);
  return parsed;
}

Message address_record(uint8_t last) {
  return {0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, last};
}

}  // namespace

TEST_CASE("an alias out of the network is completed by what upstream says of its target") {
  const auto asked = ask("main.dns.podman", kA);
  const auto chase = chase_of(asked);
  CHECK(chase.query().labels() == "\2db\4corp\7example");
  CHECK(chase.query().type == kA);
  const auto reply = complete(chase, respond(chase, 0x8180, {1, 0, 0}, address_record(1)));
  CHECK(reply.id == 0x1234);
  CHECK(reply.rcode() == 0);
  CHECK(reply.question == "main.dns.podman. 1");
  CHECK(reply.data() == Texts{"db.dns.podman.", "db.corp.example.", "192.0.2.1"});
  CHECK(reply.answer[2].name == "db.corp.example.");
  CHECK(reply.answer[1].ttl == 5);
}

TEST_CASE("compressed names of upstream's records stand in full in the completed reply") {
  const auto asked = ask("db", kA, Reach::external, 1232);
  const auto chase = chase_of(asked);
  // db.corp.example CNAME real.corp.example; the labels from "corp" on are at 15.
  Message records{0xc0, 0x0c, 0, 5, 0, 1, 0, 0, 0, 9, 0, 7, 4, 'r', 'e', 'a', 'l', 0xc0, 15};
  // real.corp.example A, its owner a pointer into the data before.
  const auto target = static_cast<uint8_t>(kHeaderSize + chase.query().question.size() + 12);
  const Message second{0xc0, target, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 192, 0, 2, 7};
  records.insert(records.end(), second.begin(), second.end());
  const auto reply = complete(chase, respond(chase, 0x8180, {2, 0, 0}, records));
  CHECK(reply.data() == Texts{"db.corp.example.", "real.corp.example.", "192.0.2.7"});
  CHECK(reply.answer[2].name == "real.corp.example.");
  REQUIRE(reply.additional.size() == 1);
  CHECK(reply.additional[0].type == kOpt);
}

TEST_CASE("a no of upstream goes with the alias, and how long it holds") {
  const auto asked = ask("db", kA);
  const auto chase = chase_of(asked);
  Message soa{0xc0, 15, 0, 6, 0, 1, 0, 0, 0, 30, 0, 24, 0xc0, 15, 0xc0, 15};
  soa.insert(soa.end(), 20, 1);
  const auto reply = complete(chase, respond(chase, 0x8183, {0, 1, 0}, soa));
  CHECK(reply.rcode() == 3);
  CHECK(reply.data() == Texts{"db.corp.example."});
  REQUIRE(reply.authority.size() == 1);
  CHECK(reply.authority[0].name == "corp.example.");
}

TEST_CASE("a failure or nonsense of upstream is a failure with the alias") {
  const auto asked = ask("db", kA);
  const auto chase = chase_of(asked);
  for (const auto& response : {respond(chase, 0x8185, {0, 0, 0}, {}), Message{1, 2, 3},
                               respond(chase, 0x8180, {3, 0, 0}, address_record(1))}) {
    const auto reply = complete(chase, response);
    CHECK(reply.rcode() == 2);
    CHECK(reply.data() == Texts{"db.corp.example."});
  }
}

TEST_CASE("a completed reply that is too large for the client is cut at a record") {
  const auto asked = ask("db", kA);
  const auto chase = chase_of(asked);
  Message records;
  for (uint8_t i = 0; i < 60; ++i) {
    const auto record = address_record(i);
    records.insert(records.end(), record.begin(), record.end());
  }
  const auto reply = chase.completed(respond(chase, 0x8180, {60, 0, 0}, records));
  CHECK(reply.size() <= kPlainUdpSize);
  const auto parsed = ReplyReader{reply}.read();
  CHECK(parsed.is_whole);
  CHECK(parsed.is_truncated());
  CHECK(parsed.answer.size() > 5);
}

TEST_CASE("only aliases to names of others are asked for upstream") {
  const auto is_reply = [](const Asked& asked) {
    return std::holds_alternative<Reply>(asked.verdict);
  };
  CHECK(std::holds_alternative<Chase>(ask("db", kA).verdict));
  CHECK(std::holds_alternative<Chase>(ask("db", kTxt).verdict));
  CHECK(is_reply(ask("db", kCname)));
  CHECK(is_reply(ask("near", kA)));
  CHECK(is_reply(ask("gone", kA)));
  CHECK(is_reply(ask("here", kA)));
  CHECK(is_reply(ask("db", kA, Reach::internal)));
  const auto data = [](std::string_view name) {
    const auto asked = ask(name, kA);
    REQUIRE(std::holds_alternative<Reply>(asked.verdict));
    const auto size = std::get<Reply>(asked.verdict).size;
    return ReplyReader{Bytes{asked.reply}.first(size)}.read().data();
  };
  CHECK(data("near") == Texts{"web.dns.podman.", "10.1.0.2"});
  CHECK(data("bare") == Texts{"web.", "10.1.0.2"});
  CHECK(data("full") == Texts{"web.net.", "10.1.0.2"});
  CHECK(data("host") == Texts{"host.containers.internal.", "10.1.0.1"});
}
