#include <doctest/doctest.h>

#include "engine/hosts_file.h"
#include "engine/network_option.h"
#include "engine/resolv_conf.h"

using namespace burrow;
using namespace burrow::engine;

namespace {
IpAddress address(std::string_view text) { return IpAddress::parse(text).value(); }
}  // namespace

TEST_CASE("hosts: added entries, the base, then only names that are not above") {
  const HostsContent content{
      .added = {{.names = {"db", "database"}, .address = address("10.0.0.9")},
                {.names = {"gw"}, .address = {}}},
      .base = "# comment\n127.0.0.1   localhost # here\n\nfe80::1%eth0 odd\n",
      .host_address = address("10.89.0.1"),
      .addresses = {address("10.89.0.2"), address("fd00::2")},
      .names = {"w1", "web"}};
  CHECK(render_hosts(content).value() ==
        "10.0.0.9\tdb database\n"
        "10.89.0.1\tgw\n"
        "127.0.0.1\tlocalhost\n"
        "fe80::1%eth0\todd\n"
        "10.89.0.1\thost.containers.internal host.docker.internal\n"
        "10.89.0.2\tw1 web\n"
        "fd00::2\tw1 web\n");
}

TEST_CASE("hosts: without a network the names are the container's own loopback") {
  CHECK(render_hosts({.names = {"box", "box"}}).value() ==
        "127.0.0.1\tlocalhost\n::1\tlocalhost\n127.0.0.1\tbox\n");
  CHECK_FALSE(render_hosts({.added = {{.names = {"gw"}, .address = {}}}}));
}

TEST_CASE("hosts: connect adds lines and disconnect takes out those lines alone") {
  const std::string before = "127.0.0.1\tlocalhost\n10.89.0.2\tw1 web\n# mine\n10.89.1.7 other";
  const auto after = add_host_lines(before, {address("10.89.1.7")}, {"w1", "web"});
  CHECK(after == before + "\n10.89.1.7\tw1 web\n");
  CHECK(remove_host_lines(after, {address("10.89.1.7")}, {"w1", "web"}) == before + "\n");
}

TEST_CASE("resolver: the networks' servers are the only ones if there are any") {
  const ResolverSources sources{.network_servers = {address("10.89.0.1"), address("10.89.0.1")},
                                .network_searches = {"dns.podman"},
                                .wanted = {address("9.9.9.9")},
                                .host = parse_resolv_conf("search lan\nnameserver 1.1.1.1\n"
                                                          "options edns0\n")};
  CHECK(render(plan_resolver(sources)) ==
        "search dns.podman lan\nnameserver 10.89.0.1\noptions edns0\n");
}

TEST_CASE("resolver: of the host's servers those that a container can reach") {
  ResolverSources sources{.host = parse_resolv_conf("nameserver 127.0.0.53\nnameserver ::1\n"
                                                    "nameserver fe80::1%eth0\nnameserver fd00::1\n"
                                                    "nameserver 10.1.1.1\n")};
  CHECK(render(plan_resolver(sources)) == "nameserver 10.1.1.1\n");
  sources.has_ipv6 = true;
  CHECK(render(plan_resolver(sources)) == "nameserver fd00::1\nnameserver 10.1.1.1\n");
  sources.wanted = {address("9.9.9.9")};
  CHECK(render(plan_resolver(sources)) == "nameserver 9.9.9.9\n");
  CHECK(render(plan_resolver({})) == "nameserver 8.8.8.8\nnameserver 8.8.4.4\n");
}

TEST_CASE("resolver: connect puts servers in front and disconnect takes them out") {
  const auto after = add_servers("search a\nnameserver 10.0.0.1\n", {address("10.2.0.1")});
  CHECK(after == "search a\nnameserver 10.2.0.1\nnameserver 10.0.0.1\n");
  CHECK(remove_servers(after, {address("10.2.0.1")}) == "search a\nnameserver 10.0.0.1\n");
}

TEST_CASE("--network takes a name and its options") {
  const auto choice = parse_network_choice(
                          "front:ip=10.0.0.5,ip6=fd00::5,mac=02:00:00:00:00:01,alias=a,alias=b,"
                          "interface_name=net0")
                          .value();
  CHECK(choice.network == "front");
  CHECK(choice.addresses == std::vector{address("10.0.0.5"), address("fd00::5")});
  CHECK(choice.mac->to_string() == "02:00:00:00:00:01");
  CHECK(choice.aliases == std::vector<std::string>{"a", "b"});
  CHECK(choice.interface->str() == "net0");
  const auto limited = parse_network_choice("front:egress_allow=10.0.0.0/8;fd00::/8,connections=5");
  CHECK(limited->limits == std::map<std::string, std::string>{
                               {"connections", "5"}, {"egress_allow", "10.0.0.0/8;fd00::/8"}});
  for (const auto* text :
       {"", ":ip=1.2.3.4", "a:egress_deny=10.0.0.1/8", "a:ip", "a:ip=", "a:ip=x", "a:ip6=1.2.3.4",
        "a:foo=1", "a:mac=00:00:00:00:00:00", "a:alias=b c", "a:interface_name=a/b", "a:,"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_network_choice(text));
  }
}

TEST_CASE("an alias may be a wildcard, at its front alone") {
  for (const auto* text : {"db", "*", "*.x", "*.a.b"}) {
    CAPTURE(text);
    CHECK(parse_alias(text).value() == text);
  }
  CHECK(parse_network_choice("front:alias=*.x")->aliases == std::vector<std::string>{"*.x"});
  for (const auto* text : {"", "*.", "**", "a.*", "*x", "*.*.x", "a*"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_alias(text));
  }
}

TEST_CASE("several --network keep their order and none stands alone") {
  CHECK(parse_network_choices({"none"})->empty());
  CHECK(parse_network_choices({"b,a"})->at(1).network == "a");
  CHECK(parse_network_choices({"b", "a:alias=x"})->at(0).network == "b");
  CHECK_FALSE(parse_network_choices({"a", "none"}));
  CHECK_FALSE(parse_network_choices({"a", "a"}));
  CHECK_FALSE(parse_network_choices({"host"}));
}

TEST_CASE("--add-host takes names and an address or the host") {
  CHECK(parse_host_entry("a;b:10.0.0.1")->names == std::vector<std::string>{"a", "b"});
  CHECK(parse_host_entry("a:fd00::1")->address == address("fd00::1"));
  CHECK_FALSE(parse_host_entry("a:host-gateway")->address);
  for (const auto* text : {"", "a", ":1.2.3.4", "a:", "a b:1.2.3.4", "a;:1.2.3.4", "a:x"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_host_entry(text));
  }
}
