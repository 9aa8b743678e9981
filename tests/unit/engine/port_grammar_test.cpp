#include "engine/port_grammar.h"

#include <doctest/doctest.h>

using namespace burrow;
using engine::parse_port;
using engine::parse_ports;

namespace {

std::string shown(const engine::PortRequest& port) {
  return fmt::format("{}|{}|{}|{}|{}", port.host_address ? port.host_address->to_string() : "any",
                     port.host_port ? fmt::format("{}", *port.host_port) : "free",
                     port.container_port, port.count, to_string(port.protocol));
}

}  // namespace

TEST_CASE("every form of -p means what Podman's users expect") {
  const struct {
    const char* text;
    const char* meaning;
  } cases[] = {
      {"80", "any|free|80|1|tcp"},
      {":80", "any|free|80|1|tcp"},
      {"8080:80", "any|8080|80|1|tcp"},
      {"8080:80/UDP", "any|8080|80|1|udp"},
      {"8080:80/sctp", "any|8080|80|1|sctp"},
      {"8000-8002:80-82", "any|8000|80|3|tcp"},
      {"80-82", "any|free|80|3|tcp"},
      {"127.0.0.1:8080:80", "127.0.0.1|8080|80|1|tcp"},
      {"127.0.0.1::80", "127.0.0.1|free|80|1|tcp"},
      {"[::1]:8080:80", "::1|8080|80|1|tcp"},
      {"[fd00::1]::80/udp", "fd00::1|free|80|1|udp"},
      {"0.0.0.0:80:80", "0.0.0.0|80|80|1|tcp"},
      {"65535:65535", "any|65535|65535|1|tcp"},
  };
  for (const auto& one : cases) {
    CAPTURE(one.text);
    const auto port = parse_port(one.text);
    REQUIRE(port);
    CHECK(shown(*port) == one.meaning);
  }
}

TEST_CASE("what cannot be meant is refused, naming the whole argument") {
  for (const auto* text : {"",
                           ":",
                           "a",
                           "80:",
                           "0",
                           "65536",
                           "80/icmp",
                           "80/tcp/udp",
                           "1-3:5",
                           "3-1",
                           "5-5",
                           "-80",
                           "1:2:3:4",
                           "::1:80:80",
                           "[::1]80:80",
                           "[::1]",
                           "x:80:80",
                           "127.0.0.1:80:80:80",
                           "[127.0.0.1]:1:1",
                           "80 ",
                           "+80",
                           "1-70000:1-70000",
                           "8080:80/"}) {
    CAPTURE(text);
    const auto port = parse_port(text);
    REQUIRE_FALSE(port);
    CHECK(port.error().code == Errc::invalid_input);
    CHECK(port.error().message.find(fmt::format("invalid port mapping \"{}\"", text)) == 0);
  }
}

TEST_CASE("exact duplicates collapse and conflicts are refused") {
  CHECK(parse_ports({"80:80", "80:80"})->size() == 1);
  CHECK(parse_ports({"80", "80"})->size() == 2);
  CHECK(parse_ports({"80:80", "80:80/udp", "127.0.0.1:80:81"})->size() == 3);
  const auto conflict = parse_ports({"8080:80", "8080:81"});
  REQUIRE_FALSE(conflict);
  CHECK(conflict.error().message == "conflicting port mappings for host port 8080 (protocol tcp)");
  CHECK_FALSE(parse_ports({"8000-8010:80-90", "8005:1"}));
}
