#include "netstack/dns_records.h"

#include <doctest/doctest.h>

using namespace burrow;
using namespace burrow::netstack;

namespace {

using Texts = std::vector<std::string>;

Network network(Strings options, Strings labels = {}) {
  return {.name = *NetworkName::parse("n"),
          .id = "",
          .driver = "bridge",
          .interface = {},
          .created = "",
          .subnets = {},
          .routes = {},
          .dns_servers = {},
          .labels = std::move(labels),
          .options = std::move(options),
          .ipam_options = {}};
}

Texts records(std::string text) {
  const auto lines = network_dns_lines(network({{"dns_records", std::move(text)}}));
  return lines ? *lines : Texts{"refused: " + lines.error().message};
}

}  // namespace

TEST_CASE("records of a definition become lines, one for each") {
  CHECK(records("db cname db.example.com.") == Texts{"=   db 0 CNAME db.example.com."});
  CHECK(records("www CNAME web; mail 60 mx 10  mx1.example.com.\n@ TXT \"a;b\"") ==
        Texts{"=   www 0 CNAME web", "=   mail 60 MX 10 mx1.example.com.", "=   @ 0 TXT \"a;b\""});
  CHECK(records("db A 10.0.0.9;db AAAA fd00::9; _http._tcp SRV 0 0 80 web") ==
        Texts{"=   db 0 A 10.0.0.9", "=   db 0 AAAA fd00::9", "=   _http._tcp 0 SRV 0 0 80 web"});
  CHECK(records(" ;;\n ").empty());
}

TEST_CASE("domain, order and TTL of a definition are one line of settings") {
  const auto lines = network_dns_lines(network({{"dns_domain", "shop.internal"},
                                                {"dns_order", "fixed"},
                                                {"dns_ttl", "30"},
                                                {"dns_records", "db A 10.0.0.9"}}));
  CHECK(*lines ==
        Texts{"=   @ 0 SET domain=shop.internal order=fixed ttl=30", "=   db 30 A 10.0.0.9"});
  CHECK(network_dns_lines(network({}))->empty());
}

TEST_CASE("servers by domain go into the line of settings as they are") {
  constexpr const char* kForwards = "corp.example=10.0.0.1,fd00::1;lan=10.0.0.2";
  CHECK(*network_dns_lines(network({{"dns_forward", kForwards}})) ==
        Texts{std::string{"=   @ 0 SET forward="} + kForwards});
}

TEST_CASE("a label stands in for an option that is not there") {
  CHECK(*network_dns_lines(network({}, {{"burrow.dns_records", "db A 10.0.0.9"}})) ==
        Texts{"=   db 0 A 10.0.0.9"});
  CHECK(*network_dns_lines(network({{"dns_ttl", "1"}}, {{"burrow.dns_ttl", "2"}})) ==
        Texts{"=   @ 0 SET ttl=1"});
}

TEST_CASE("what is no record and no setting is refused with its words") {
  for (const auto* text :
       {"www", "www CNAME", "www CNAME a b", "a..b A 10.0.0.1", "db A fd00::1", "db A 10.0.0.1 x",
        "db AAAA 10.0.0.1", "db X y", "m MX mail", "m MX 1", "m MX 65536 mail", "s SRV 0 0 web",
        "t TXT", "t TXT \"x", "a,b A 10.0.0.1", "t TXT \x01"}) {
    CAPTURE(text);
    CHECK(records(text)[0].starts_with("refused: invalid DNS record"));
  }
  CHECK(records("t TXT " + std::string(300, 'x'))[0].starts_with("refused"));
  for (const auto& [name, value] :
       std::vector<std::pair<std::string, std::string>>{{"dns_domain", "a..b"},
                                                        {"dns_domain", "a b=c"},
                                                        {"dns_order", "random"},
                                                        {"dns_forward", ""},
                                                        {"dns_forward", "corp.example"},
                                                        {"dns_forward", "corp.example="},
                                                        {"dns_forward", "=10.0.0.1"},
                                                        {"dns_forward", "a=10.0.0.1;"},
                                                        {"dns_forward", "a=10.0.0.1;;b=10.0.0.2"},
                                                        {"dns_forward", "a=10.0.0.1,"},
                                                        {"dns_forward", "a=10.0.0.1 ttl=5"},
                                                        {"dns_ttl", "-1"},
                                                        {"dns_ttl", ""}}) {
    CAPTURE(name);
    CHECK_FALSE(network_dns_lines(network({{name, value}})));
  }
}

TEST_CASE("published ports are services under every name of the container") {
  const auto id = *ContainerId::parse("abc");
  const Texts names{"web", "*.web", "w"};
  const std::vector<PortMapping> ports{
      {.host_address = {}, .host_port = 8080, .container_port = 80},
      {.host_address = {}, .host_port = 8081, .container_port = 80},
      {.host_address = {}, .host_port = 53, .container_port = 53, .protocol = Protocol::udp}};
  CHECK(service_dns_lines(id, names, ports) ==
        Texts{"=abc   _53._udp.web 0 SRV 0 0 53 web", "=abc   _80._tcp.web 0 SRV 0 0 80 web",
              "=abc   _53._udp.w 0 SRV 0 0 53 w", "=abc   _80._tcp.w 0 SRV 0 0 80 w"});
  const std::vector<PortMapping> wide{
      {.host_address = {}, .host_port = 1, .container_port = 1, .count = 65535}};
  CHECK(service_dns_lines(id, names, wide).empty());
}
