#include "netstack/dns_file.h"

#include <doctest/doctest.h>

using namespace burrow;
using namespace burrow::netstack;

namespace {

const auto kFirst = *ContainerId::parse("aaa");
const auto kSecond = *ContainerId::parse("aaab");

}  // namespace

TEST_CASE("an entry has empty columns where a family is missing") {
  DnsEntry entry{
      .container = kFirst, .addresses = {*IpAddress::parse("10.0.0.2")}, .names = {"web", "www"}};
  CHECK(encode(entry) == "aaa 10.0.0.2  web,www");
  entry.addresses = {*IpAddress::parse("fd00::2")};
  entry.servers = {*IpAddress::parse("192.0.2.1")};
  CHECK(encode(entry) == "aaa  fd00::2 web,www 192.0.2.1");
}

TEST_CASE("adding replaces the container's own line and the header, and nothing else") {
  auto content = with_entry("", "10.0.0.1", "aaa 10.0.0.2  web", kFirst);
  CHECK(content == "10.0.0.1\naaa 10.0.0.2  web\n");
  content = with_entry(content, "10.0.0.1 192.0.2.1", "aaab 10.0.0.3  db", kSecond);
  content = with_entry(content, "10.0.0.1 192.0.2.1", "aaa 10.0.0.4  web", kFirst);
  CHECK(content == "10.0.0.1 192.0.2.1\naaab 10.0.0.3  db\naaa 10.0.0.4  web\n");
  CHECK(header_of(content) == "10.0.0.1 192.0.2.1");
}

TEST_CASE("removing takes the container's line and not that of a longer identifier") {
  const std::string content = "10.0.0.1\naaa 10.0.0.2  web\naaab 10.0.0.3  aaa\n";
  CHECK(without_entry(content, kFirst) == "10.0.0.1\naaab 10.0.0.3  aaa\n");
  CHECK_FALSE(without_entry("10.0.0.1\naaa 10.0.0.2  web\n", kFirst));
  CHECK_FALSE(without_entry("", kFirst));
}

TEST_CASE("names that would break the file are no names") {
  for (const auto* name : {"", "a b", "a,b", "a\nb", "a\tb", "\x7f"})
    CHECK_FALSE(is_dns_name(name));
  CHECK(is_dns_name("m\xc3\xbcnchen"));
}
