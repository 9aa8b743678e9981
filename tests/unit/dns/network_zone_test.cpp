#include "dns/network_zone.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "networks.h"

using namespace burrow;
using namespace burrow::dns;
using namespace burrow::dns::test;

namespace {

IpAddress ip(std::string_view text) { return *IpAddress::parse(text); }

Texts names_of(const NetworkZone& zone, std::string_view address) {
  Texts result;
  for (const auto& holder : zone.find_holders(ip(address))) {
    for (const auto& name : holder.names) result.push_back(name.to_string());
  }
  return result;
}

// The zone of `now`, made of the one of `before` by what lies between them.
NetworkZone edited(const NetworkZone& zone, std::string_view before,
                   std::vector<NumberedLine>& lines, std::string_view now) {
  auto diff = *diff_lines(before, lines, now);
  const auto read = [](std::string_view text, const std::vector<NumberedLine>& some) {
    std::vector<NetworkLine> result;
    Complaints complaints;
    for (const auto& line : some) {
      if (auto content = parse_line(line.of(text), complaints)) {
        result.push_back({line.number, *std::move(content)});
      }
    }
    return result;
  };
  lines = std::move(diff.lines);
  return {zone, read(before, diff.gone), read(now, diff.come)};
}

// Everything that a zone says, as text.
std::string dump(const NetworkZone& zone) {
  Texts lines;
  zone.for_each_name([&](std::string_view labels, const dns::Name& name) {
    std::string line = name_text(labels) + ":";
    for (const auto& each : addresses(zone, labels)) line += " " + each;
    for (const auto& each : name.records) {
      line += fmt::format(" {}/{}", static_cast<int>(each.record.type), each.record.ttl);
    }
    if (name.ttl) line += fmt::format(" ttl {}", *name.ttl);
    lines.push_back(line);
  });
  zone.for_each_container([&](std::string_view id) {
    std::string line{id};
    for (const auto& server : zone.container_servers(id)) line += " " + server.to_string();
    lines.push_back(line);
  });
  std::ranges::sort(lines);
  return fmt::format("{}\n{} {} {} {}", fmt::join(lines, "\n"), zone.settings().ttl,
                     name_text(zone.domain()), zone.has_wildcards(), zone.name_count());
}

}  // namespace

TEST_CASE("names of one network group their addresses in order, each once") {
  const auto zone = make_network("n",
                                 "10.0.0.1\n"
                                 "a 10.0.0.2 fd00::2 one,all\n"
                                 "b 10.0.0.3  two,all\n"
                                 "c 10.0.0.2  one\n");
  CHECK(addresses(*zone, "\3all") == Texts{"10.0.0.2", "fd00::2", "10.0.0.3"});
  CHECK(addresses(*zone, "\3one") == Texts{"10.0.0.2", "fd00::2"});
  CHECK(zone->find_name("\4none") == nullptr);
  CHECK(zone->find_name("") == nullptr);
  CHECK(names_of(*zone, "10.0.0.2") == Texts{"one", "all", "one"});
  CHECK(zone->find_container(ip("10.0.0.2"))->id == "c");  // the later line
  CHECK(zone->find_container(ip("10.0.0.9")) == nullptr);
}

TEST_CASE("a name without any address does not exist") {
  CHECK(make_network("n", "10.0.0.1\na   ghost\n")->find_name("\5ghost") == nullptr);
}

TEST_CASE("files net and net%int make one internal network") {
  const auto plain = *parse_network_file("net", "10.0.0.1 1.1.1.1\na 10.0.0.2  a\n");
  const auto internal = *parse_network_file("net%int", "10.0.0.1,fd00::1\nb 10.0.0.3  b,a\n");
  const std::vector<const NetworkFile*> files{&plain, &internal};
  const NetworkZone zone{files};
  CHECK(zone.reach() == Reach::internal);
  CHECK(zone.dns_servers().empty());
  CHECK(zone.listen_addresses().size() == 2);
  CHECK(addresses(zone, "\1a") == Texts{"10.0.0.2", "10.0.0.3"});
  CHECK(addresses(zone, "\1b").size() == 1);
}

TEST_CASE("ten thousand names are all found again") {
  std::string content = "10.0.0.1\n";
  for (int i = 0; i < 10000; ++i) {
    content +=
        fmt::format("id{} 10.{}.{}.{}  name{},alias{}\n", i, 1 + i / 65536, i / 256, i % 256, i, i);
  }
  const auto zone = make_network("big", content);
  REQUIRE(zone->name_count() == 20000);
  for (int i = 0; i < 10000; ++i) {
    const auto name = *DomainName::parse(fmt::format("alias{}", i));
    REQUIRE(addresses(*zone, name.labels()) ==
            Texts{fmt::format("10.{}.{}.{}", 1 + i / 65536, i / 256, i % 256)});
  }
}

TEST_CASE("an alias of ten thousand containers keeps each address once, in order") {
  std::string content = "10.0.0.1\n";
  for (int i = 0; i < 20000; ++i) {
    const int address = i % 10000;
    content += fmt::format("id{} 10.1.{}.{}  all\n", i, address / 256, address % 256);
  }
  const auto zone = make_network("big", content);
  const auto found = addresses(*zone, "\3all");
  REQUIRE(found.size() == 10000);
  for (int i = 0; i < 10000; ++i) {
    REQUIRE(found[static_cast<size_t>(i)] == fmt::format("10.1.{}.{}", i / 256, i % 256));
  }
}

TEST_CASE("an edited zone is as one made afresh, and the one before stays as it was") {
  std::mt19937 random{7};
  const auto pick = [&](unsigned below) { return random() % below; };
  const auto make_line = [&] {
    switch (pick(8)) {
      case 0:
        return fmt::format("=   n{} {} A 10.0.0.{}\n", pick(9), pick(99), 2 + pick(9));
      case 1:
        return fmt::format("=c   *.n{} 0 TXT t{}\n", pick(9), pick(9));
      case 2:
        return fmt::format("=   @ 0 SET ttl={} domain=d{}\n", pick(99), pick(9));
      case 3:
        return std::string{"nonsense\n"};
      default:
        return fmt::format("c{} 10.0.0.{} fd00::{} n{},n{} 9.9.9.{}\n", pick(9), 2 + pick(9),
                           pick(9), pick(9), pick(9), pick(9));
    }
  };
  std::vector<std::string> file{"10.0.0.1\n", "x 10.0.0.2  first\n"};
  std::string content = fmt::format("{}", fmt::join(file, ""));
  auto lines = number_lines(content);
  auto zone = *make_network("n", content);
  for (int round = 0; round < 600; ++round) {
    const auto at = static_cast<std::ptrdiff_t>(2 + pick(static_cast<unsigned>(file.size()) - 1));
    if (at < static_cast<std::ptrdiff_t>(file.size()) && pick(2) == 0) {
      file.erase(file.begin() + at);
    } else {
      file.insert(file.begin() + at, make_line());
    }
    if (pick(8) == 0 && file.size() > 4) std::swap(file[2], file.back());
    const std::string now = fmt::format("{}", fmt::join(file, ""));
    const auto was = dump(zone);
    auto next = edited(zone, content, lines, now);
    CAPTURE(content);
    CAPTURE(now);
    REQUIRE(dump(next) == dump(*make_network("n", now)));
    REQUIRE(dump(zone) == was);
    zone = std::move(next);
    content = now;
  }
}

TEST_CASE("a wildcard stands for what does not exist below its parent (RFC 4592)") {
  const auto zone = make_network("n",
                                 "10.0.0.1\n"
                                 "a 10.0.0.2  web,*.web\n"
                                 "b 10.0.0.3  api.web\n");
  const auto* wildcard = zone->find_name("\1*\3web");
  REQUIRE(wildcard != nullptr);
  CHECK(zone->find_wildcard("\1x\3web") == wildcard);
  CHECK(zone->find_wildcard("\1y\1x\3web") == wildcard);
  CHECK(zone->find_wildcard("\1x\3api\3web") == nullptr);  // its parent exists
  CHECK(zone->find_wildcard("\3web") == nullptr);
  CHECK(zone->find_wildcard("\1x") == nullptr);
  CHECK(zone->find_wildcard("") == nullptr);
}
