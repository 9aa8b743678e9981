#include "dns/record.h"

#include <doctest/doctest.h>

using namespace burrow::dns;
using namespace std::string_literals;

TEST_CASE("records of every type become what goes on the wire") {
  const auto a = parse_record("web 60 A 10.0.0.1");
  REQUIRE(a);
  CHECK(a->owner.to_string() == "web");
  CHECK(a->record.ttl == 60);
  CHECK(a->record.bytes == "\x0a\0\0\1"s);
  CHECK(parse_record("web 0 AAAA fd00::1")->record.bytes.size() == 16);
  const auto alias = parse_record("www 0 CNAME web");
  CHECK(alias->record.target->name.to_string() == "web");
  CHECK(alias->record.target->base == RecordTarget::Base::asked_domain);
  const auto mail = parse_record("@ 0 MX 10 mail.example.com.");
  CHECK(mail->owner == DomainName{});
  CHECK(mail->record.bytes == "\0\x0a"s);
  CHECK(mail->record.target->base == RecordTarget::Base::root);
  CHECK(parse_record("_x._tcp 0 SRV 1 2 258 web")->record.bytes == "\0\1\0\2\1\2"s);
  CHECK(parse_record("@ 0 MX 0 .")->record.target->name == DomainName{});
}

TEST_CASE("texts stand with or without quotes and take escapes") {
  CHECK(parse_record("t 0 TXT plain words")->record.bytes == "\5plain\5words");
  CHECK(parse_record(R"(t 0 TXT "v=spf1 -all" "two")")->record.bytes == "\13v=spf1 -all\3two"s);
  CHECK(parse_record(R"(t 0 TXT "a\"b\\c\065")")->record.bytes == "\6a\"b\\cA");
  CHECK(parse_record(R"(t 0 TXT "")")->record.bytes == "\0"s);
}

TEST_CASE("what is no record is refused") {
  for (const auto* text : {"",
                           "web",
                           "web 60",
                           "web 60 A",
                           "web x A 10.0.0.1",
                           "web -1 A 10.0.0.1",
                           "web 2147483648 A 10.0.0.1",
                           "web 0 A fd00::1",
                           "web 0 AAAA 10.0.0.1",
                           "web 0 A 10.0.0.1 ",
                           "web 0 a 10.0.0.1",
                           "a..b 0 A 10.0.0.1",
                           "web 0 CNAME ..",
                           "web 0 MX mail",
                           "web 0 MX 65536 mail",
                           "web 0 MX 10",
                           "web 0 SRV 1 2 web",
                           "web 0 SRV 1 2 65536 web",
                           "web 0 NS ns",
                           "t 0 TXT \"open",
                           "t 0 TXT \"a\"b",
                           "t 0 TXT x\\",
                           "t 0 TXT \\25",
                           "t 0 TXT \\256",
                           " 0 A 10.0.0.1"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_record(text));
  }
  CHECK_FALSE(parse_record("t 0 TXT " + std::string(256, 'x')));
  CHECK(parse_record("t 0 TXT " + std::string(255, 'x')));
}
