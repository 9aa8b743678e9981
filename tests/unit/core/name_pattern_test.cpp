#include "core/name_pattern.h"

#include <doctest/doctest.h>

using namespace burrow;

namespace {

std::string parsed(std::string_view text) {
  const auto name = NamePattern::parse(text);
  REQUIRE_MESSAGE(name.has_value(), std::string{text});
  return name->str();
}

bool matches(std::string_view pattern, std::string_view name) {
  return NamePattern::parse(pattern)->matches(name);
}

}  // namespace

TEST_CASE("names of hosts are read in any case, with or without a dot at their end") {
  CHECK(parsed("Deb.Debian.ORG.") == "deb.debian.org");
  CHECK(parsed("db") == "db");
  CHECK(parsed("_dns.resolver.arpa") == "_dns.resolver.arpa");
  CHECK(parsed("*.Example.com") == "*.example.com");
  CHECK(parsed("xn--bcher-kva.example") == "xn--bcher-kva.example");
  CHECK(parsed("1.pool.ntp.org") == "1.pool.ntp.org");
  CHECK(parsed(std::string(63, 'a') + ".example").size() == 71);
}

TEST_CASE("what is no name of hosts is refused with what was found") {
  for (const auto* text :
       {"",         ".",    "..",   "a..b", ".a",  "*",    "*.",  "a.*",  "*.*.a",
        "**.a",     "*a.b", "-a.b", "a-.b", "a b", "a\nb", "a,b", "a\"b", "b\xc3\xbc.de",
        "10.0.0.1", "a.1",  "a/8",  "a:b",  "a@b"}) {
    const auto name = NamePattern::parse(text);
    REQUIRE_FALSE_MESSAGE(name.has_value(), text);
    CHECK(name.error().code == Errc::invalid_input);
  }
  CHECK(NamePattern::parse("a b").error().message ==
        "\"a b\" is no name of hosts: labels have 1 to 63 letters, digits, \"-\" inside and \"_\"");
  CHECK_FALSE(NamePattern::parse(std::string(64, 'a') + ".example").has_value());
  std::string longest = "a";
  while (longest.size() < 252) longest += ".a";
  CHECK(NamePattern::parse(longest).has_value());
  CHECK_FALSE(NamePattern::parse(longest + ".a").has_value());
  CHECK(NamePattern::parse(std::string(1U << 20U, 'a')).error().message.size() < 200);
}

TEST_CASE("a mistyped address or prefix is no name") {
  for (const auto* text :
       {"192.0.2.1-9", "192.0.2.0-255", "192.0.2.x", "192.0.2.*", "192.0.2.2_32", "*.192.0.2.x",
        "10.0.example.com", "10.0.", "10-9", "0x0a000001", "1e4", "host_1", "a.1-9", "a.b_c"}) {
    const auto name = NamePattern::parse(text);
    REQUIRE_FALSE_MESSAGE(name.has_value(), text);
    CHECK(name.error().message.starts_with(fmt::format("\"{}\" is no name of hosts: ", text)));
  }
  CHECK(NamePattern::parse("192.0.2.1-9").error().message ==
        "\"192.0.2.1-9\" is no name of hosts: it begins like an address, and is none");
  CHECK(NamePattern::parse("db.10-9").error().message ==
        "\"db.10-9\" is no name of hosts: the last label has letters, digits and \"-\", and a "
        "letter first");
  CHECK(parsed("10.a.0.example.com") == "10.a.0.example.com");
}

TEST_CASE("a name means itself, and one with an asterisk all that is below it") {
  CHECK(matches("deb.debian.org", "deb.debian.org"));
  CHECK_FALSE(matches("deb.debian.org", "a.deb.debian.org"));
  CHECK_FALSE(matches("debian.org", "deb.debian.org"));
  CHECK(matches("*.example.com", "a.example.com"));
  CHECK(matches("*.example.com", "a.b.c.example.com"));
  CHECK_FALSE(matches("*.example.com", "example.com"));
  CHECK_FALSE(matches("*.example.com", ".example.com"));
  CHECK_FALSE(matches("*.example.com", "badexample.com"));
  CHECK_FALSE(matches("*.example.com", "example.com.evil"));
}

TEST_CASE("what has anything but digits and dots and is no address can only be a name") {
  for (const auto* name : {"a", "face.cafe", "1.pool.ntp.org", "*.x", "host-1"}) {
    CHECK(looks_like_name(name));
  }
  for (const auto* other : {"", "10.0.0.1", "10.0.0.0/8", "fd00::1", "face::", "1.2", "a/8"}) {
    CHECK_FALSE(looks_like_name(other));
  }
}
