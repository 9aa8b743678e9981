#include "netstack/dns_lists.h"

#include <doctest/doctest.h>

#include "netstack/dns_servers.h"

using namespace burrow;
using namespace burrow::netstack;
using firewall::LimitKind;

namespace {

using Lines = std::vector<std::string>;

firewall::PeerList list(std::initializer_list<const char*> allow,
                        std::initializer_list<const char*> deny) {
  firewall::PeerList result;
  for (const auto* name : allow) result.allow_names.push_back(*NamePattern::parse(name));
  for (const auto* name : deny) result.deny_names.push_back(*NamePattern::parse(name));
  return result;
}

firewall::LimitedContainer container(std::string_view name) {
  return {.container = *ContainerId::parse("3f1c"),
          .container_name = std::string{name},
          .network = *NetworkName::parse("front"),
          .addresses = {*IpAddress::parse("10.0.0.2"), *IpAddress::parse("fd00::2")}};
}

}  // namespace

TEST_CASE("a list with names is a line that says whose it is") {
  CHECK(name_list_lines(container("web"), list({"a.example", "*.b.example"}, {"c.example"})) ==
        Lines{"=3f1c   @ 0 EGRESS deny web 10.0.0.2,fd00::2 c.example",
              "=3f1c   @ 0 EGRESS allow web 10.0.0.2,fd00::2 a.example,*.b.example"});
  CHECK(name_list_lines(*NetworkName::parse("front"), *LinkName::parse("br0"),
                        list({"a.example"}, {})) ==
        Lines{"=   @ 0 EGRESS allow front br0 a.example"});
  CHECK(name_list_lines(container("web"), list({}, {})).empty());
}

TEST_CASE("a name of a container cannot break its line") {
  for (const auto* name : {"a b", "a\nb", "a\"b", "a,b"}) {
    CHECK(name_list_lines(container(name), list({"a.example"}, {})) ==
          Lines{"=3f1c   @ 0 EGRESS allow a_b 10.0.0.2,fd00::2 a.example"});
  }
  CHECK(name_list_lines(container(""), list({"a.example"}, {}))[0].find(" allow - ") !=
        std::string::npos);
}

TEST_CASE("lists in an entry give way by their kind, and everything else stays") {
  const std::string entry = "3f1c 10.0.0.2  web\n=3f1c   _80._tcp.web 0 SRV 0 0 80 web";
  const auto both = with_name_lists(
      entry, {}, name_list_lines(container("web"), list({"a.example"}, {"c.example"})));
  CHECK(both.starts_with(entry + "\n="));
  CHECK(has_name_list(both));
  CHECK_FALSE(has_name_list(entry));
  CHECK(name_lists_in(both).size() == 2);
  const auto less = with_name_lists(both, {LimitKind::egress_allow}, {});
  CHECK(less == entry + "\n=3f1c   @ 0 EGRESS deny web 10.0.0.2,fd00::2 c.example");
  CHECK(with_name_lists(less, {LimitKind::egress_deny}, {}) == entry);
  CHECK(with_same_name_lists(less, entry) == entry);
  CHECK(with_same_name_lists(entry, both) == both);
  CHECK_FALSE(has_name_list("=3f1c   egress 0 TXT \"   @ 0 EGRESS allow\""));
}

TEST_CASE("lists are read back with their owners as the firewall's comments have them") {
  const auto content =
      "10.0.0.1\n=   @ 0 EGRESS deny front br0 ads.example\n3f1c 10.0.0.2  web\n"
      "=3f1c   @ 0 EGRESS allow web 10.0.0.2 a.example,*.b.example\n"
      "=3f1c   @ 0 EGRESS allow web 10.0.0.2\n=/   @ 0 EGRESS allow web 10.0.0.2 a.example\n";
  CHECK(read_name_lists("front%int", content) ==
        std::vector<ListedNames>{{"network front", LimitKind::egress_deny, {"ads.example"}},
                                 {"container web (3f1c) on network front",
                                  LimitKind::egress_allow,
                                  {"a.example", "*.b.example"}}});
  CHECK(read_name_lists("../front", content).empty());
}

TEST_CASE("other servers of a network leave its own lines") {
  const std::string own = "=   @ 0 EGRESS allow front br0 a.example\n=   www 0 CNAME web\n";
  const std::string rest = "3f1c 10.0.0.2  web\n";
  CHECK(with_servers("10.0.0.1\n" + own + rest, {*IpAddress::parse("192.0.2.9")}) ==
        "10.0.0.1 192.0.2.9\n" + own + rest);
  CHECK(with_servers("10.0.0.1 192.0.2.9\n" + own + rest, {}) == "10.0.0.1\n" + own + rest);
}
