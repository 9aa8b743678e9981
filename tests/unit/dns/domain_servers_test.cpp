#include "dns/domain_servers.h"

#include <doctest/doctest.h>

using namespace burrow;
using namespace burrow::dns;

namespace {

// Where `name` goes by the rules in `text`, as "address address".
std::string servers_of(std::string_view text, std::string_view name) {
  const auto forwards = parse_domain_forwards(text);
  REQUIRE(forwards);
  std::string result;
  for (const auto& server :
       find_domain_servers(*forwards, DomainName::parse(name).value().labels())) {
    result += (result.empty() ? "" : " ") + server.to_string();
  }
  return result;
}

}  // namespace

TEST_CASE("names at and below a domain go to its servers, others do not") {
  constexpr std::string_view kRules = "Corp.example=10.0.0.1,fd00::1;lan=10.0.0.2";
  CHECK(servers_of(kRules, "corp.example") == "10.0.0.1 fd00::1");
  CHECK(servers_of(kRules, "a.b.CORP.example") == "10.0.0.1 fd00::1");
  CHECK(servers_of(kRules, "printer.lan") == "10.0.0.2");
  CHECK(servers_of(kRules, "xcorp.example").empty());
  CHECK(servers_of(kRules, "example").empty());
}

TEST_CASE("the longest domain counts, in whatever order they stand") {
  for (const auto* rules :
       {"example=10.0.0.1;corp.example=10.0.0.2", "corp.example=10.0.0.2;example=10.0.0.1"}) {
    CHECK(servers_of(rules, "www.corp.example") == "10.0.0.2");
    CHECK(servers_of(rules, "www.example") == "10.0.0.1");
  }
}

TEST_CASE("a label that holds the bytes of a domain is not below it") {
  const auto forwards = parse_domain_forwards("b=10.0.0.1");
  // One label of three bytes, the last two of which look like the label "b".
  CHECK(find_domain_servers(*forwards, std::string_view{"\3x\1b", 4}).empty());
}

TEST_CASE("rules that cannot be meant are refused, none are none") {
  CHECK(parse_domain_forwards("")->empty());
  for (const auto* text :
       {"corp.example", "corp.example=", "=10.0.0.1", "a=10.0.0.1,", "a=x", "a=10.0.0.1;a=10.0.0.2",
        "a=10.0.0.1;;b=10.0.0.2", "a..b=10.0.0.1", "a=10.0.0.1=10.0.0.2"}) {
    CHECK_FALSE(parse_domain_forwards(text));
  }
  std::string many = "a=10.0.0.1";
  for (int i = 0; i < 16; ++i) many += ",10.0.0.2";
  CHECK_FALSE(parse_domain_forwards(many));
}
