#include "dns/network_file.h"

#include <doctest/doctest.h>

#include "networks.h"

using namespace burrow;
using namespace burrow::dns;
using namespace burrow::dns::test;

namespace {

NetworkFile parse(std::string_view content, std::string_view name = "net") {
  auto file = parse_network_file(name, content);
  REQUIRE(file);
  return *std::move(file);
}

std::vector<std::string> texts(const std::vector<IpAddress>& addresses) {
  std::vector<std::string> result;
  for (const auto& address : addresses) result.push_back(address.to_string());
  return result;
}

std::vector<std::string> texts(const std::vector<DomainName>& names) {
  std::vector<std::string> result;
  for (const auto& name : names) result.push_back(name.to_string());
  return result;
}

}  // namespace

TEST_CASE("a network file gives listen addresses, servers and containers in order") {
  const auto file = parse(
      "10.89.0.1,fd00::1 1.1.1.1,2606::1\n"
      "ABC 10.89.0.2 fd00::2 web,www,abc\n"
      "\n"
      "def 10.89.0.3  db 8.8.8.8\n");
  CHECK(file.network == "net");
  CHECK(file.reach == Reach::external);
  CHECK(texts(file.header.listen_addresses) == Texts{"10.89.0.1", "fd00::1"});
  CHECK(texts(file.header.dns_servers) == Texts{"1.1.1.1", "2606::1"});
  REQUIRE(containers(file).size() == 2);
  CHECK(containers(file)[0].id == "abc");
  CHECK(texts(containers(file)[0].addresses) == Texts{"10.89.0.2", "fd00::2"});
  CHECK(texts(containers(file)[0].names) == Texts{"web", "www", "abc"});
  CHECK(texts(containers(file)[1].dns_servers) == Texts{"8.8.8.8"});
  CHECK(file.complaints.empty());
}

TEST_CASE("the suffix %int marks an internal network and is no part of its name") {
  CHECK(parse("10.0.0.1", "net%int").reach == Reach::internal);
  CHECK(parse("10.0.0.1", "net%int").network == "net");
  CHECK(parse("10.0.0.1", "net%int2").network == "net%int2");
  CHECK(parse("10.0.0.1", std::string(110, 'n')).network == std::string(110, 'n'));
}

TEST_CASE("a file without a listen address is refused") {
  for (const auto* content : {"", "\n\n", "x\n", "10.0.0.1,x\n", "10.0.0.1,\n", " 1.1.1.1\n",
                              "10.0.0.1/24\n", "fe80::1%eth0\n", "10.0.0.1\r\n", "\t10.0.0.1\n"}) {
    CAPTURE(content);
    CHECK_FALSE(parse_network_file("net", content));
  }
}

TEST_CASE("a bad server list in the header costs the list alone") {
  const auto file = parse("10.0.0.1 1.1.1.1,x\nid 10.0.0.2  web\n");
  CHECK(file.header.dns_servers.empty());
  CHECK(containers(file).size() == 1);
  CHECK(file.complaints.size() == 1);
  CHECK(parse("10.0.0.1 \n").complaints.empty());
  CHECK(texts(parse("10.0.0.1 1.1.1.1 ignored 9\n").header.dns_servers) == Texts{"1.1.1.1"});
}

TEST_CASE("a bad container line is left out, the others stay") {
  for (const auto* line : {"id 10.0.0.2 web", "id 10.0.0.2  ", "   ", "id x  web",
                           "id fd00::1  web", "id  10.0.0.2 web", "id 10.0.0.2/24  web",
                           "id 10.0.0.2, web x", "id 10.0.0.2\tfd00:: web"}) {
    CAPTURE(line);
    const auto file = parse(fmt::format("10.0.0.1\n{}\nok 10.0.0.9  last\n", line));
    const bool is_without_names =
        std::string_view{line} == "id 10.0.0.2  " || std::string_view{line} == "   ";
    CHECK(containers(file).size() == (is_without_names ? 2 : 1));
    CHECK(file.complaints.size() == (is_without_names ? 0 : 1));
    CHECK(texts(containers(file).back().names) == Texts{"last"});
  }
}

TEST_CASE("empty address columns are two spaces side by side") {
  CHECK(texts(containers(parse("10.0.0.1\nid 10.0.0.2  web\n"))[0].addresses) == Texts{"10.0.0.2"});
  CHECK(texts(containers(parse("10.0.0.1\nid  fd00::2 web\n"))[0].addresses) == Texts{"fd00::2"});
  CHECK(containers(parse("10.0.0.1\nid   web\n"))[0].addresses.empty());
}

TEST_CASE("a container's servers count only when they are the fifth and last column") {
  const auto servers = [](std::string_view line) {
    return texts(containers(parse(fmt::format("10.0.0.1\n{}", line)))[0].dns_servers);
  };
  CHECK(servers("id 10.0.0.2  web 1.1.1.1,fd00::53") == Texts{"1.1.1.1", "fd00::53"});
  CHECK(servers("id 10.0.0.2  web ").empty());
  CHECK(servers("id 10.0.0.2  web 1.1.1.1 x").empty());
  CHECK(servers("id 10.0.0.2  web 1.1.1.1 ").empty());
  CHECK(servers("id 10.0.0.2  web 1.1.1.1,x").empty());
}

TEST_CASE("names become lower case, are kept once, and a bad one costs itself alone") {
  const std::string too_long(64, 'x');
  const auto file =
      parse(fmt::format("10.0.0.1\nid 10.0.0.2  Web,WEB,,a..b,{},a.b,*.x,_s.t\n", too_long));
  CHECK(texts(containers(file)[0].names) == Texts{"web", "a.b", "*.x", "_s.t"});
  CHECK(file.complaints.size() == 2);
}

TEST_CASE("a thousand bad lines give few complaints") {
  std::string content = "10.0.0.1\n";
  for (int i = 0; i < 1000; ++i) content += "x\n";
  CHECK(parse(content).complaints.size() == 21);
}

TEST_CASE("records and settings of ours stand in lines that look like containers without address") {
  const auto file = parse(
      "10.0.0.1\n"
      "=   www 0 CNAME web\n"
      "=abc   _http._tcp.web 60 SRV 0 0 80 web\n"
      "=   @ 0 SET domain=shop.internal order=fixed ttl=30 later=known\n");
  CHECK(file.complaints.empty());
  REQUIRE(file.lines.size() == 3);
  CHECK(std::get<OwnedRecord>(file.lines[0].content).owner.to_string() == "www");
  CHECK(std::get<OwnedRecord>(file.lines[1].content).record.ttl == 60);
  const auto& settings = std::get<NetworkSettings>(file.lines[2].content);
  CHECK(settings.domain->to_string() == "shop.internal");
  CHECK(settings.rotation == Rotation::fixed);
  CHECK(settings.ttl == 30);
}

TEST_CASE("a record that cannot be meant is left out") {
  for (const auto* line : {"=", "=   ", "=  www 0 CNAME web", "=   www 0 CNAME", "=   www 0 X y",
                           "= 10.0.0.2  www 0 CNAME web", "=   www CNAME web"}) {
    CAPTURE(line);
    const auto file = parse(fmt::format("10.0.0.1\n{}\nok 10.0.0.9  last\n", line));
    CHECK(file.lines.size() == 1);
    CHECK(file.complaints.size() == 1);
  }
  const auto settings = parse("10.0.0.1\n=   @ 0 SET domain=.. order=x ttl=-1\n");
  CHECK(settings.complaints.size() == 3);
  CHECK_FALSE(std::get<NetworkSettings>(settings.lines[0].content).domain);
}

TEST_CASE("complaints name the line in the file, empty ones counted") {
  const auto file = parse("\n10.0.0.1\n\n\nx\n");
  REQUIRE(file.complaints.size() == 1);
  CHECK(file.complaints[0].starts_with("line 5: "));
}
