#include "dns/name.h"

#include <doctest/doctest.h>

using namespace burrow;
using namespace burrow::dns;

namespace {

ReverseName reverse(std::string_view text) {
  const auto name = DomainName::parse(text);
  REQUIRE(name);
  return parse_reverse_name(name->labels());
}

}  // namespace

TEST_CASE("a name becomes lower-case labels, whatever bytes they hold") {
  CHECK(DomainName::parse("Web.DNS.podman.")->labels() == "\3web\3dns\6podman");
  CHECK(DomainName::parse("m\xc3\xbcnchen")->labels() == "\10m\xc3\xbcnchen");
  CHECK(DomainName::parse("m\xc3\xbcnchen")->to_string() == "m\\195\\188nchen");
  CHECK(DomainName{}.to_string() == ".");
}

TEST_CASE("empty and over-long names are refused") {
  for (const auto& text : {std::string{}, std::string{"."}, std::string{".a"}, std::string{"a..b"},
                           std::string(64, 'x')}) {
    CHECK_FALSE(DomainName::parse(text));
  }
  std::string longest;
  for (int i = 0; i < 127; ++i) longest += "a.";
  CHECK(DomainName::parse(longest));
  CHECK_FALSE(DomainName::parse(longest + "a"));
}

TEST_CASE("reverse names give whole addresses in both families and any case") {
  CHECK(reverse("2.0.89.10.IN-ADDR.arpa").address.to_string() == "10.89.0.2");
  CHECK(reverse("2.0.89.10.in-addr.arpa").kind == ReverseName::Kind::address);
  std::string v6 = "2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.D.f.ip6.arpa";
  CHECK(reverse(v6).kind == ReverseName::Kind::address);
  CHECK(reverse(v6).address.to_string() == "fd00::2");
}

TEST_CASE("partial and odd reverse names give the prefix that they name") {
  CHECK(reverse("89.10.in-addr.arpa").kind == ReverseName::Kind::partial);
  CHECK(reverse("89.10.in-addr.arpa").prefix_length == 16);
  CHECK(reverse("89.10.in-addr.arpa").address.to_string() == "10.89.0.0");
  CHECK(reverse("in-addr.arpa").prefix_length == 0);
  CHECK(reverse("5.2.0.89.10.in-addr.arpa").kind == ReverseName::Kind::partial);
  CHECK(reverse("x.0.89.10.in-addr.arpa").prefix_length == 24);
  CHECK(reverse("02.0.89.10.in-addr.arpa").kind == ReverseName::Kind::partial);
  CHECK(reverse("256.0.89.10.in-addr.arpa").kind == ReverseName::Kind::partial);
  CHECK(reverse("d.f.ip6.arpa").prefix_length == 8);
  CHECK(reverse("d.f.ip6.arpa").address.to_string() == "fd00::");
  CHECK(reverse("web").kind == ReverseName::Kind::not_reverse);
  CHECK(reverse("1.xin-addr.arpa").kind == ReverseName::Kind::not_reverse);
}
