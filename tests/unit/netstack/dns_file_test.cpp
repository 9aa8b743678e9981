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

TEST_CASE("records of the network follow its header, those of a container its line") {
  const auto header = encode(DnsHeader{.listen = {*IpAddress::parse("10.0.0.1")},
                                       .servers = {},
                                       .lines = {"=   www 0 CNAME web", "=   @ 0 SET ttl=5"}});
  const auto entry = encode(DnsEntry{.container = kFirst,
                                     .addresses = {*IpAddress::parse("10.0.0.2")},
                                     .names = {"web"},
                                     .servers = {},
                                     .lines = {"=aaa   _80._tcp.web 0 SRV 0 0 80 web"}});
  const auto content = with_entry("", header, entry, kFirst);
  CHECK(content ==
        "10.0.0.1\n=   www 0 CNAME web\n=   @ 0 SET ttl=5\n"
        "aaa 10.0.0.2  web\n=aaa   _80._tcp.web 0 SRV 0 0 80 web\n");
  CHECK(header_of(content) == header);
  CHECK(with_entry(content, header, entry, kFirst) == content);
  const auto both = with_entry(content, "10.0.0.1", "aaab 10.0.0.3  db", kSecond);
  CHECK(both ==
        "10.0.0.1\naaa 10.0.0.2  web\n=aaa   _80._tcp.web 0 SRV 0 0 80 web\n"
        "aaab 10.0.0.3  db\n");
  CHECK(with_header(both, header) == with_entry(content, header, "aaab 10.0.0.3  db", kSecond));
  CHECK(without_entry(both, kFirst) == "10.0.0.1\naaab 10.0.0.3  db\n");
  CHECK_FALSE(without_entry(content, kFirst));  // records alone keep no file
}
