#include "dns/answered_addresses.h"

#include <doctest/doctest.h>

#include "messages.h"

using namespace burrow;
using namespace burrow::dns;
using namespace burrow::dns::test;

namespace {

struct Answer {
  std::string name;
  uint16_t type;
  uint32_t ttl;
  Message data;
};

Message reply(std::string_view question, uint16_t type, const std::vector<Answer>& answers) {
  auto message = make_query(question, type);
  message[2] |= 0x80U;
  message[7] = static_cast<uint8_t>(answers.size());
  for (const auto& answer : answers) {
    put_name(message, answer.name);
    put_u16(message, answer.type);
    put_u16(message, 1);
    put_u16(message, answer.ttl >> 16U);
    put_u16(message, answer.ttl & 0xffffU);
    put_u16(message, static_cast<unsigned>(answer.data.size()));
    message.insert(message.end(), answer.data.begin(), answer.data.end());
  }
  return message;
}

Message name_bytes(std::string_view name) {
  Message bytes;
  put_name(bytes, name);
  return bytes;
}

const Message kFirst{192, 0, 2, 1};
const Message kSecond{192, 0, 2, 2};

}  // namespace

TEST_CASE("the addresses of a reply are read with their times, and the name that was asked for") {
  const auto answered =
      read_addresses(reply("WWW.Example.org", kA,
                           {{"www.example.org", kCname, 60, name_bytes("cdn.example.net")},
                            {"cdn.example.net", kA, 20, kFirst},
                            {"cdn.example.net", kA, 0x80000000U, kSecond}}));
  REQUIRE(answered.has_value());
  CHECK(answered->name == "www.example.org");
  REQUIRE(answered->addresses.size() == 2);
  CHECK(answered->addresses[0].address == *IpAddress::parse("192.0.2.1"));
  CHECK(answered->addresses[0].ttl == std::chrono::seconds{20});
  CHECK(answered->addresses[1].ttl == std::chrono::seconds{0});
  Message six(16);
  six[0] = 0xfd;
  CHECK(read_addresses(reply("a", kAaaa, {{"a", kAaaa, 5, six}}))->addresses[0].address ==
        *IpAddress::parse("fd00::"));
}

TEST_CASE("nothing is read where no address was asked for, given or whole") {
  CHECK_FALSE(read_addresses({}).has_value());
  CHECK_FALSE(read_addresses(reply("a.example", kA, {})).has_value());
  CHECK_FALSE(read_addresses(reply("a.example", kTxt, {{"a.example", kA, 5, kFirst}})).has_value());
  CHECK_FALSE(
      read_addresses(reply("a.example", kAaaa, {{"a.example", kA, 5, kFirst}})).has_value());
  CHECK_FALSE(
      read_addresses(reply("a.example", kA, {{"a.example", kA, 5, {1, 2, 3}}})).has_value());
  auto whole = reply("a.example", kA, {{"a.example", kA, 5, kFirst}});
  CHECK(read_addresses(whole).has_value());
  for (size_t size = 0; size < whole.size(); ++size) {
    CHECK_FALSE(read_addresses(Bytes{whole}.first(size)).has_value());
  }
}

TEST_CASE("a name with bytes that hosts' names have not is nobody's, whatever it looks like") {
  auto tricky = reply("a.example", kA, {{"a.example", kA, 5, kFirst}});
  // The labels "a" and "example" become one: a dot inside of a label is no dot between two.
  tricky[12] = 9;
  tricky[14] = '.';
  CHECK_FALSE(read_addresses(tricky).has_value());
  CHECK_FALSE(read_addresses(reply("a b", kA, {{"a b", kA, 5, kFirst}})).has_value());
  CHECK_FALSE(read_addresses(reply("", kA, {{"", kA, 5, kFirst}})).has_value());
}

TEST_CASE("a reply with very many addresses is read up to a bound") {
  std::vector<Answer> many(255, Answer{"a", kA, 5, kFirst});
  auto message = reply("a", kA, many);
  const auto answers = Bytes{message}.subspan(12 + 3 + 4);
  const Message again{answers.begin(), answers.end()};
  message.insert(message.end(), again.begin(), again.end());
  message[6] = 1;
  message[7] = 254;  // 510 of them
  CHECK(read_addresses(message)->addresses.size() == 256);
}
