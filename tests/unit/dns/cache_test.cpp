#include "dns/cache.h"

#include <doctest/doctest.h>

#include "dns/question_key.h"
#include "messages.h"

using namespace burrow;
using namespace burrow::dns;
using namespace burrow::dns::test;
using std::chrono::seconds;

namespace {

constexpr Clock::time_point kStart{std::chrono::hours{1}};
constexpr HashKey kKey{1, 2};

struct Rr {
  uint16_t type = kA;
  uint32_t ttl = 300;
  Message data = {192, 0, 2, 1};
};

Message soa_data(uint32_t minimum) {
  Message data{0, 0};
  data.resize(18);
  put_u16(data, minimum >> 16);
  put_u16(data, minimum);
  return data;
}

// An upstream's response with records owned by the question's name.
Message respond(const Message& asked, const std::vector<Rr>& answers,
                const std::vector<Rr>& authorities = {}, unsigned flags = 0x8580) {
  Message message = asked;
  if (asked[11] == 1) message.resize(asked.size() - 11);
  message[2] = static_cast<uint8_t>(flags >> 8);
  message[3] = static_cast<uint8_t>(flags);
  message[7] = static_cast<uint8_t>(answers.size());
  message[9] = static_cast<uint8_t>(authorities.size());
  message[11] = 0;
  for (const auto* section : {&answers, &authorities}) {
    for (const auto& record : *section) {
      put_u16(message, 0xc00c);
      put_u16(message, record.type);
      put_u16(message, 1);
      put_u16(message, record.ttl >> 16);
      put_u16(message, record.ttl);
      put_u16(message, static_cast<unsigned>(record.data.size()));
      message.insert(message.end(), record.data.begin(), record.data.end());
    }
  }
  return message;
}

Query decode(const Message& message) {
  Query query;
  REQUIRE(decode_query(message, query) == Decoded::query);
  return query;
}

const Message kAsked = make_query("example.com", kA);
constexpr size_t kQuestionSize = 17;

std::optional<KeptAnswer> keep(const Message& response) {
  return keep_answer(response, kQuestionSize);
}

Parsed give(const Cache::Found& found, const Message& asked, const Presentation& presentation = {},
            Transport transport = Transport::udp) {
  std::vector<uint8_t> reply(kMaximumMessageSize);
  reply.resize(
      write_kept(found.response, found.ttls, decode(asked), transport, presentation, reply));
  const auto parsed = ReplyReader{reply}.read();
  CHECK(parsed.is_whole);
  return parsed;
}

}  // namespace

TEST_CASE("an answer holds as long as its shortest TTL, a day at most") {
  CHECK(keep(respond(kAsked, {{.ttl = 300}, {.ttl = 20}}))->ttl == seconds{20});
  CHECK(keep(respond(kAsked, {{.ttl = 300}}, {{.type = kNs, .ttl = 7, .data = {0}}}))->ttl ==
        seconds{7});
  CHECK(keep(respond(kAsked, {{.ttl = 10'000'000}}))->ttl == std::chrono::hours{24});
  CHECK_FALSE(keep(respond(kAsked, {{.ttl = 0}})));
  CHECK_FALSE(keep(respond(kAsked, {{.ttl = 0x80000001}})));  // RFC 2181
}

TEST_CASE("a no holds as long as its SOA record says, a quarter of an hour at most") {
  const auto no = [&](uint32_t ttl, uint32_t minimum, unsigned flags) {
    return keep(respond(kAsked, {}, {{kSoa, ttl, soa_data(minimum)}}, flags));
  };
  for (const unsigned flags : {0x8180U, 0x8183U}) {
    CHECK(no(60, 30, flags)->ttl == seconds{30});
    CHECK(no(20, 30, flags)->ttl == seconds{20});
    CHECK(no(86400, 86400, flags)->ttl == std::chrono::minutes{15});
    CHECK_FALSE(no(60, 0, flags));
    CHECK_FALSE(keep(respond(kAsked, {}, {}, flags)));
    CHECK_FALSE(keep(respond(kAsked, {}, {{kSoa, 60, {0, 0}}}, flags)));  // too short
  }
}

TEST_CASE("failures and truncated, broken or huge responses are not kept") {
  for (const unsigned flags : {0x8182U, 0x8185U, 0x8184U, 0x8181U, 0x8380U}) {
    CHECK_FALSE(keep(respond(kAsked, {{}}, {}, flags)));
  }
  const auto whole = respond(kAsked, {{}, {}});
  for (size_t size = 0; size < whole.size(); ++size) {
    CHECK_FALSE(keep({whole.begin(), whole.begin() + static_cast<long>(size)}));
  }
  CHECK_FALSE(keep(respond(kAsked, {{.data = Message(9000)}})));
}

TEST_CASE("an OPT record is not kept, nor what its response code belongs to") {
  auto response = respond(kAsked, {{}});
  const Message opt{0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0};
  response.insert(response.end(), opt.begin(), opt.end());
  response[11] = 1;
  const auto kept = keep(response);
  REQUIRE(kept);
  CHECK(kept->response.size() == response.size() - opt.size());
  CHECK(kept->response[11] == 0);
  response[response.size() - 6] = 1;  // the upper bits of a response code
  CHECK_FALSE(keep(response));
}

TEST_CASE("what is kept is given to each client as its own, older") {
  Cache cache{{}, kKey};
  cache.insert("k", *keep(respond(kAsked, {{.ttl = 300}, {.ttl = 200, .data = {192, 0, 2, 2}}})),
               kStart);
  const auto found = cache.find("k", kStart + seconds{50});
  REQUIRE(found);
  CHECK(found->age == seconds{50});
  const auto reply =
      give(*found, make_query("eXample.COM", kA, {.id = 7, .flags = 0x0110, .udp_size = 4096}),
           {.age = found->age});
  CHECK(reply.id == 7);
  CHECK(reply.flags == 0x8190);  // QR RD RA CD, no AA
  CHECK(reply.question == "eXample.COM. 1");
  REQUIRE(reply.answer.size() == 2);
  CHECK(reply.answer[0].name == "eXample.COM.");
  CHECK(reply.answer[0].ttl == 250);
  CHECK(reply.answer[1].ttl == 150);
  CHECK(reply.data() == std::vector<std::string>{"192.0.2.1", "192.0.2.2"});
  REQUIRE(reply.additional.size() == 1);
  CHECK(reply.additional[0].record_class == kUdpSize);
  CHECK(give(*found, kAsked).additional.empty());
}

TEST_CASE("what is kept is cut to the client's size in whole records") {
  Cache cache{{}, kKey};
  cache.insert("k", *keep(respond(kAsked, std::vector<Rr>(100))), kStart);
  const auto found = cache.find("k", kStart);
  const auto reply = give(*found, kAsked);
  CHECK(reply.is_truncated());
  CHECK(reply.answer.size() == (512 - 12 - 17) / 16);
  CHECK(give(*found, kAsked, {}, Transport::tcp).answer.size() == 100);
}

TEST_CASE("an answer is gone when its time is over") {
  Cache cache{{}, kKey};
  cache.insert("k", *keep(respond(kAsked, {{.ttl = 20}})), kStart);
  CHECK(cache.find("k", kStart + seconds{19}));
  CHECK_FALSE(cache.find("k", kStart + seconds{20}));
  CHECK_FALSE(cache.find("other", kStart));
}

TEST_CASE("when no upstream answers, an old answer serves, and nobody is asked for a while") {
  Cache cache{{.longest_stale = seconds{1000}, .stale_retry = seconds{30}}, kKey};
  cache.insert("k", *keep(respond(kAsked, {{.ttl = 20}})), kStart);
  const auto later = kStart + seconds{100};
  CHECK_FALSE(cache.serve_stale("other", later));
  REQUIRE(cache.serve_stale("k", later));
  const auto found = cache.find("k", later + seconds{29});
  REQUIRE(found);
  CHECK(found->is_stale);
  CHECK(give(*found, kAsked, {.age = found->age, .stale_ttl = seconds{30}}).answer[0].ttl == 30);
  CHECK_FALSE(cache.find("k", later + seconds{30}));
  CHECK_FALSE(cache.serve_stale("k", kStart + seconds{1020}));
}

TEST_CASE("a failure is kept, but is no old answer") {
  Cache cache{{}, kKey};
  cache.insert("k", keep_failure(decode(kAsked), seconds{1}), kStart);
  const auto found = cache.find("k", kStart);
  REQUIRE(found);
  CHECK(give(*found, kAsked).rcode() == 2);
  CHECK_FALSE(cache.find("k", kStart + seconds{1}));
  CHECK_FALSE(cache.serve_stale("k", kStart));
}

TEST_CASE("what many ask for is asked anew before it ends, once") {
  Cache cache{{}, kKey};
  const auto answer = *keep(respond(kAsked, {{.ttl = 100}}));
  cache.insert("hot", answer, kStart);
  cache.insert("cold", answer, kStart);
  for (int i = 0; i < 5; ++i) CHECK_FALSE(cache.find("hot", kStart)->is_to_refresh);
  CHECK_FALSE(cache.find("hot", kStart + seconds{89})->is_to_refresh);
  CHECK(cache.find("hot", kStart + seconds{91})->is_to_refresh);
  CHECK_FALSE(cache.find("hot", kStart + seconds{91})->is_to_refresh);
  CHECK_FALSE(cache.find("cold", kStart + seconds{91})->is_to_refresh);
  cache.insert("hot", answer, kStart + seconds{92});
  CHECK_FALSE(cache.find("hot", kStart + seconds{150})->is_to_refresh);
}

TEST_CASE("memory is bounded, and what was used last stays") {
  Cache cache{{.bytes = 100'000}, kKey};
  const auto answer = *keep(respond(kAsked, {{}}));
  cache.insert("used", answer, kStart);
  for (int i = 0; i < 10'000; ++i) {
    cache.insert(std::to_string(i), answer, kStart);
    CHECK(cache.bytes() <= 100'000);
    REQUIRE(cache.find("used", kStart));
  }
  CHECK(cache.entries() > 300);
  CHECK(cache.find("9999", kStart));
  CHECK_FALSE(cache.find("0", kStart));
  cache.clear();
  CHECK(cache.entries() == 0);
  CHECK(cache.bytes() == 0);
  CHECK_FALSE(cache.find("used", kStart));
  cache.insert("used", answer, kStart);
  CHECK(cache.find("used", kStart));
}

TEST_CASE("a cache without room keeps nothing") {
  Cache cache{{.bytes = 0}, kKey};
  cache.insert("k", *keep(respond(kAsked, {{}})), kStart);
  CHECK_FALSE(cache.find("k", kStart));
}

TEST_CASE("a new answer takes the place of the old one") {
  Cache cache{{}, kKey};
  cache.insert("k", *keep(respond(kAsked, {{}})), kStart);
  const auto bytes = cache.bytes();
  cache.insert("k", *keep(respond(kAsked, {{.data = {192, 0, 2, 9}}})), kStart);
  CHECK(cache.entries() == 1);
  CHECK(cache.bytes() == bytes);
  CHECK(give(*cache.find("k", kStart), kAsked).data() == std::vector<std::string>{"192.0.2.9"});
}

TEST_CASE("questions are the same when name, type, flags and servers are") {
  const std::vector<IpAddress> one{IpAddress::v4(1)};
  const std::vector<IpAddress> two{IpAddress::v4(1), IpAddress::v4(2)};
  const auto key = [](const Message& asked, std::span<const IpAddress> servers = {}) {
    return std::string{QuestionKey{decode(asked), servers}.bytes()};
  };
  CHECK(key(kAsked) == key(make_query("EXAMPLE.com", kA, {.id = 9})));
  CHECK(key(kAsked) != key(make_query("example.org", kA)));
  CHECK(key(kAsked) != key(make_query("example.com", kMx)));
  CHECK(key(kAsked) != key(make_query("example.com", kA, {.flags = 0x0110})));
  CHECK(key(kAsked) != key(make_query("example.com", kA, {.udp_size = 1232})));
  CHECK(key(kAsked) != key(kAsked, one));
  CHECK(key(kAsked, one) != key(kAsked, two));
  // As many servers as there may be, and more, with the longest name.
  const std::vector<IpAddress> many(20, *IpAddress::parse("fd00::1"));
  const std::string longest = std::string(63, 'a') + "." + std::string(63, 'b') + "." +
                              std::string(63, 'c') + "." + std::string(61, 'd');
  CHECK(key(make_query(longest, kA), many).size() == 5 + 254 + 16 * 17);
}

TEST_CASE("the keyed hash is SipHash-1-3") {
  // Bytes 0, 1, 2, ... under the key 00 01 02 ... 0f, as in the reference implementation.
  const HashKey key{0x0706050403020100, 0x0f0e0d0c0b0a0908};
  CHECK(keyed_hash(key, "") == 0xabac0158050fc4dc);
  CHECK(keyed_hash(key, std::string_view{"\0", 1}) == 0xc9f49bf37d57ca93);
}
