#include "dns/resolv_conf.h"

#include <doctest/doctest.h>

using namespace burrow;
using namespace burrow::dns;

namespace {

std::vector<std::string> servers(std::string_view content) {
  std::vector<std::string> result;
  for (const auto& server : parse_resolv_conf(content).nameservers) {
    result.push_back(server.address.to_string() + (server.zone.empty() ? "" : "%" + server.zone));
  }
  return result;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("nameserver lines count, in order, the first three") {
  CHECK(servers("search a b\nnameserver 10.0.0.1\n  nameserver\t10.0.0.2 ignored\n"
                "options edns0\nnameserver ::1\nnameserver 10.0.0.4") ==
        Texts{"10.0.0.1", "10.0.0.2", "::1"});
  CHECK(servers("nameserver 10.0.0.1\nnameserver 10.0.0.1\n") == Texts{"10.0.0.1"});
  CHECK(servers("").empty());
}

TEST_CASE("comments end a line and may stand anywhere") {
  CHECK(servers("#nameserver 1.1.1.1\nnameserver 2.2.2.2#x\nnameserver 3.3.3.3 ; y\n;\n") ==
        Texts{"2.2.2.2", "3.3.3.3"});
}

TEST_CASE("a bad line is left out with a complaint, the others count") {
  const auto parsed = parse_resolv_conf(
      "nameserver x\nnameserver\nNameserver 1.1.1.1\nnameserver 10.0.0.1%eth0\n"
      "nameserver fe80::1%\nnameserver fe80::1%averyveryverylongname\nnameserver 9.9.9.9\r\n");
  REQUIRE(parsed.nameservers.size() == 1);
  CHECK(parsed.nameservers[0].address.to_string() == "9.9.9.9");
  CHECK(parsed.complaints.size() == 4);
}

TEST_CASE("an IPv6 zone is kept as text") {
  CHECK(servers("nameserver fe80::1%eth0\nnameserver fe80::2%3\n") ==
        Texts{"fe80::1%eth0", "fe80::2%3"});
}

TEST_CASE("the stub counts only when it is alone") {
  CHECK(is_stub_only(parse_resolv_conf("nameserver 127.0.0.53\n")));
  CHECK_FALSE(is_stub_only(parse_resolv_conf("nameserver 127.0.0.53\nnameserver 1.1.1.1\n")));
  CHECK_FALSE(is_stub_only(parse_resolv_conf("nameserver 127.0.0.1\n")));
  CHECK_FALSE(is_stub_only(parse_resolv_conf("")));
}
