#include "netstack/command_line.h"

#include <doctest/doctest.h>

using namespace burrow::netstack;

namespace {

auto parse(const std::vector<std::string>& arguments) {
  return parse_command_line(arguments, CalledAs::netavark);
}

}  // namespace

TEST_CASE("Podman's command line is understood") {
  const auto line = parse({"--config", "/run/containers/networks", "--rootless=false",
                           "--aardvark-binary=/usr/lib/podman/aardvark-dns", "--plugin-directory",
                           "/a", "--plugin-directory=/b", "setup", "/run/netns/x"});
  REQUIRE(line);
  CHECK(line->run_directory == "/run/containers/networks");
  CHECK_FALSE(line->is_rootless);
  CHECK(line->dns_binary == "/usr/lib/podman/aardvark-dns");
  CHECK(line->plugin_directories == std::vector<std::string>{"/a", "/b"});
  CHECK(line->subcommand == Subcommand::setup);
  CHECK(line->netns == "/run/netns/x");
  CHECK(parse({"--aardvark-binary=", "version"})->dns_binary == "");
  CHECK(parse({"-c/run/x", "-r", "true", "-f", "r.json", "teardown", "/n"})->run_directory ==
        "/run/x");
}

TEST_CASE("a command line that makes no sense is a usage error") {
  const std::vector<std::vector<std::string>> bad{
      {},
      {"launch"},
      {"setup"},
      {"setup", ""},
      {"setup", "/n", "x"},
      {"--rootless", "maybe", "version"},
      {"--config"},
      {"--unknown", "version"},
      {"setup", "/n", "--config", "/x"},
      {"create", "/n"},
      {"update"},
      {"update", "front"},
      {"update", "--network-dns-servers", ""},
      {"update", "front", "--network-dns-servers"},
      {"limit"},
      {"limit", "front"},
      {"limit", "front", "--container", "web"},
      {"limit", "--egress-deny", "none"},
      {"limit", "front", "--egress-deny"},
      {"limit", "front", "--mtu", "1"},
      {"limit", "front", "--egress-deny", "none", "--egress-deny", "none"},
      {"limit", "front", "--egress-deny", "none", "--container", "a", "--container", "b"},
      {"--format", "json", "doctor"},
      {"doctor", "now"},
      {"doctor", "--format", "xml"},
      {"firewall-reload", "x"},
      {"help", "launch"}};
  for (const auto& arguments : bad) {
    const auto line = parse(arguments);
    REQUIRE_FALSE(line);
    CHECK(line.error().exit_code == 2);
  }
  CHECK(parse({"--help"}).error().exit_code == 0);
}

TEST_CASE("options and operands behind a command may stand in any order") {
  const auto update = parse({"-c", "/run/x", "update", "front", "--network-dns-servers",
                             "192.0.2.1,192.0.2.2", "--network-dns-servers=2001:db8::1"});
  REQUIRE(update);
  CHECK(update->subcommand == Subcommand::update);
  CHECK(update->network == "front");
  CHECK(update->dns_servers == "192.0.2.1,192.0.2.2,2001:db8::1");
  CHECK(parse({"update", "--network-dns-servers", "", "front"})->dns_servers == "");
  const auto limit = parse(
      {"limit", "--connection-rate", "5/second", "front", "--egress-deny=", "--container=web"});
  REQUIRE(limit);
  CHECK(limit->subcommand == Subcommand::limit);
  CHECK(limit->network == "front");
  CHECK(limit->container == "web");
  CHECK(limit->limits ==
        std::map<std::string, std::string>{{"connection_rate", "5/second"}, {"egress_deny", ""}});
  CHECK(parse({"doctor", "--format", "json"})->format == Format::json);
  CHECK(parse({"doctor"})->format == Format::text);
  CHECK(parse({"firewalld-reload"})->subcommand == Subcommand::firewalld_reload);
}

TEST_CASE("called as netavark it answers version checks, and says who it is") {
  CHECK(called_as("/usr/libexec/podman/netavark") == CalledAs::netavark);
  CHECK(called_as("burrow-netstack") == CalledAs::burrow_netstack);
  CHECK(version_line(CalledAs::netavark).starts_with("netavark 2.1.0 (burrow-netstack "));
  CHECK(version_line(CalledAs::burrow_netstack).starts_with("burrow-netstack "));
}
