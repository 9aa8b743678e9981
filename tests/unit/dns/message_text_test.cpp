#include "dns/message_text.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace burrow::dns;

namespace {

using Texts = std::vector<std::string>;

// A response for "a" of type A with one record whose owner points to the question.
std::vector<uint8_t> response(uint16_t type, std::string_view data, uint8_t answers = 1) {
  std::vector<uint8_t> message{0, 1, 0x84, 0, 0, 1, 0, answers, 0,    0, 0,
                               0, 1, 'a',  0, 0, 1, 0, 1,       0xc0, 12};
  message.push_back(static_cast<uint8_t>(type >> 8U));
  message.push_back(static_cast<uint8_t>(type));
  message.insert(message.end(), {0, 1, 0, 0, 0, 60, 0});
  message.push_back(static_cast<uint8_t>(data.size()));
  message.insert(message.end(), data.begin(), data.end());
  return message;
}

std::string text(uint16_t type, std::string_view data) {
  const auto described = describe(response(type, data));
  return described.answer.empty() ? "nothing" : described.answer[0];
}

}  // namespace

TEST_CASE("records are told as people write them") {
  using namespace std::string_view_literals;
  CHECK(text(1, "\x0a\0\0\x02"sv) == "a. 60 A 10.0.0.2");
  CHECK(text(28, "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1"sv) == "a. 60 AAAA fd00::1");
  CHECK(text(5, "\3web\xc0\x0c"sv) == "a. 60 CNAME web.a.");
  CHECK(text(15, "\0\x0a\4mail\0"sv) == "a. 60 MX 10 mail.");
  CHECK(text(33, "\0\1\0\2\0\x50\3web\0"sv) == "a. 60 SRV 1 2 80 web.");
  CHECK(text(16, "\2ok\3a\"\xff"sv) == "a. 60 TXT \"ok\" \"a\\\"\\255\"");
  CHECK(text(65280, "\1\xab"sv) == "a. 60 TYPE65280 \\# 2 01ab");
  CHECK(text(1, "\x0a"sv) == "a. 60 A \\# 1 0a");
}

TEST_CASE("code and flags are told") {
  auto message = response(1, std::string_view{"\x0a\0\0\x02", 4});
  CHECK(describe(message).rcode == "NOERROR");
  CHECK(describe(message).is_authoritative);
  message[3] = 3;
  message[2] = 0x02;
  CHECK(describe(message).rcode == "NXDOMAIN");
  CHECK(describe(message).is_truncated);
  CHECK(rcode_text(16) == "BADVERS");
  CHECK(rcode_text(12) == "RCODE12");
}

TEST_CASE("of a broken message as much is told as can be read, and there is an end") {
  using namespace std::string_view_literals;
  CHECK(describe(std::vector<uint8_t>{1, 2, 3}).answer.empty());
  CHECK(describe(response(1, "", 200)).answer.size() == 1);
  CHECK(text(5, "\xc0\x1f"sv) == "a. 60 CNAME ?");  // points to itself
  CHECK(text(5,
             "\x3f"
             "ab"sv) == "a. 60 CNAME ?");
  CHECK(text(15, "\0"sv) == "a. 60 MX ?");
  CHECK(text(16,
             "\xff"
             "ab"sv) == "a. 60 TXT \"ab\"");
}

TEST_CASE("types have words in any case, and numbers where they have none") {
  CHECK(parse_type("aaaa") == 28);
  CHECK(parse_type("TYPE65") == 65);
  CHECK(type_text(65) == "HTTPS");
  CHECK(type_text(9999) == "TYPE9999");
  CHECK(parse_type("TYPE9999") == 9999);
  for (const auto* word : {"", "TYPE", "TYPE65536", "TYPE-1", "AA", "A "}) {
    CAPTURE(word);
    CHECK_FALSE(parse_type(word));
  }
}
