#include "dns/message.h"

#include <doctest/doctest.h>

#include "messages.h"

using namespace burrow;
using namespace burrow::dns;
using namespace burrow::dns::test;

namespace {

Decoded decode(const Message& message) {
  Query query;
  return decode_query(message, query);
}

// A header with `questions` and the given bytes after it.
Message with_body(std::initializer_list<uint8_t> body, unsigned questions = 1) {
  Message message;
  for (const unsigned word : {0x1234U, 0x0100U, questions, 0U, 0U, 0U}) put_u16(message, word);
  message.insert(message.end(), body);
  return message;
}

}  // namespace

TEST_CASE("a query decodes to a lower-case name and keeps the question as sent") {
  const auto message = make_query("wEb.dns.Podman", kAaaa, {.udp_size = 4096});
  Query query;
  REQUIRE(decode_query(message, query) == Decoded::query);
  CHECK(query.id == 0x1234);
  CHECK(query.labels() == std::string_view{"\3web\3dns\6podman"});
  CHECK(query.type == kAaaa);
  CHECK(query.record_class == 1);
  REQUIRE(query.edns);
  CHECK(query.edns->udp_size == 4096);
  CHECK(query.edns->is_dnssec_ok);
  CHECK(std::string_view{reinterpret_cast<const char*>(query.question.data()), 4} == "\3wEb");
}

TEST_CASE("every shorter part of a query is malformed or no query, never more") {
  const auto message = make_query("web.dns.podman", kA, {.udp_size = 1232});
  for (size_t size = 0; size < message.size(); ++size) {
    CAPTURE(size);
    const auto result = decode({message.begin(), message.begin() + static_cast<long>(size)});
    CHECK(result == (size < kHeaderSize ? Decoded::no_query : Decoded::malformed));
  }
  auto longer = message;
  longer.push_back(0xff);
  CHECK(decode(longer) == Decoded::query);
}

TEST_CASE("responses are no queries, other opcodes are unknown, one question is the only number") {
  CHECK(decode(make_query("web", kA, {.flags = 0x8100})) == Decoded::no_query);
  for (const unsigned opcode : {1U, 2U, 4U, 5U, 15U}) {
    CHECK(decode(make_query("web", kA, {.flags = static_cast<uint16_t>(opcode << 11)})) ==
          Decoded::unknown_opcode);
  }
  CHECK(decode(with_body({}, 0)) == Decoded::several);
  CHECK(decode(with_body({1, 'a', 0, 0, 1, 0, 1, 1, 'b', 0, 0, 1, 0, 1}, 2)) == Decoded::several);
}

TEST_CASE("compression pointers, reserved label types and long names in a question are malformed") {
  CHECK(decode(with_body({0xc0, 0x0c, 0, 1, 0, 1})) == Decoded::malformed);  // to itself
  CHECK(decode(with_body({0xc0, 0x00, 0, 1, 0, 1})) == Decoded::malformed);  // into the header
  CHECK(decode(with_body({0xff, 0xff, 0, 1, 0, 1})) == Decoded::malformed);
  CHECK(decode(with_body({0x40, 'a', 0, 0, 1, 0, 1})) == Decoded::malformed);
  CHECK(decode(with_body({0x80, 'a', 0, 0, 1, 0, 1})) == Decoded::malformed);

  const std::string label(63, 'x');
  const auto longest = label + "." + label + "." + label + "." + std::string(61, 'y');
  CHECK(decode(make_query(longest, kA)) == Decoded::query);
  CHECK(decode(make_query(longest + "y", kA)) == Decoded::malformed);
}

TEST_CASE("records after the question are bounded, and one OPT at most") {
  auto two = make_query("web", kA, {.udp_size = 512});
  const auto opt = Message(two.end() - 11, two.end());
  two.insert(two.end(), opt.begin(), opt.end());
  CHECK(decode(two) == Decoded::query);  // the second is not counted
  two[11] = 2;
  CHECK(decode(two) == Decoded::malformed);

  auto in_answer = make_query("web", kA, {.udp_size = 512});
  std::swap(in_answer[7], in_answer[11]);
  CHECK(decode(in_answer) == Decoded::malformed);

  auto many = make_query("web", kA);
  many[10] = many[11] = 0xff;
  CHECK(decode(many) == Decoded::malformed);
}

TEST_CASE("a record's owner may point backwards only") {
  Message message = make_query("web", kA);
  const size_t at = message.size();
  const auto with_pointer = [&](unsigned target) {
    auto copy = message;
    put_u16(copy, 0xc000U | target);
    copy.insert(copy.end(), {0, 1, 0, 1, 0, 0, 0, 0, 0, 0});
    return read_record(copy, at).has_value();
  };
  CHECK(with_pointer(12));
  CHECK_FALSE(with_pointer(0));
  CHECK_FALSE(with_pointer(static_cast<unsigned>(at)));
  CHECK_FALSE(with_pointer(static_cast<unsigned>(at) + 2));
  CHECK_FALSE(with_pointer(0x3fff));
}
