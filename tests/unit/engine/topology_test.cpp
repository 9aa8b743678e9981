#include "engine/topology.h"

#include <doctest/doctest.h>

#include "golden.h"

using namespace burrow;
using namespace burrow::engine;

namespace {

netstack::Network network(const std::string& name, const std::string& bridge,
                          const std::string& subnet) {
  netstack::Network result{.name = NetworkName::parse(name).value(),
                           .id = std::string(64, '1'),
                           .driver = "bridge",
                           .interface = LinkName::parse(bridge).value()};
  result.subnets.push_back({.network = IpNetwork::parse(subnet).value()});
  result.subnets[0].gateway = result.subnets[0].network.address().next();
  result.has_dns = true;
  return result;
}

Attachment attachment(const std::string& on, const std::string& interface,
                      const std::string& lease) {
  return {.network = NetworkName::parse(on).value(),
          .interface = LinkName::parse(interface).value(),
          .leases = {IpAddress::parse(lease).value()}};
}

Container container(const std::string& name, std::vector<Attachment> attachments) {
  Container result{.id = ContainerId::parse(std::string(64, '2')).value(),
                   .name = ContainerName::parse(name).value()};
  result.state = ContainerState::running;
  result.attachments = std::move(attachments);
  return result;
}

std::vector<NetworkView> example() {
  auto web = container(
      "web", {attachment("demo", "eth0", "10.89.0.2"), attachment("back", "eth1", "10.89.1.2")});
  web.ports = {{.host_address = {}, .host_port = 8080, .container_port = 80}};
  const auto client = container("client", {attachment("demo", "eth0", "10.89.0.3")});
  auto back = network("back", "burrow2", "10.89.1.0/24");
  back.is_internal = true;
  return {{back, {web}}, {network("demo", "burrow1", "10.89.0.0/24"), {web, client}}};
}

}  // namespace

TEST_CASE("the picture shows networks, bridges, containers, addresses and ports") {
  const auto picture = draw_topology("vm", example(), {});
  CHECK(picture == golden("topology.txt", picture));
}

TEST_CASE("the same picture in plain characters, broken to the width") {
  const auto picture = draw_topology("vm", example(), {.glyphs = Glyphs::ascii, .width = 40});
  CHECK(picture == golden("topology-ascii.txt", picture));
  for (const char c : picture) CHECK((c == '\n' || (c >= ' ' && c <= '~')));
  size_t start = 0;
  while (start < picture.size()) {
    const auto end = picture.find('\n', start);
    CHECK(end - start <= 40);
    start = end + 1;
  }
}

TEST_CASE("without networks the picture says what to do next") {
  CHECK(draw_topology("vm", {}, {}) ==
        "host vm\nno networks: make one with burrow network create\n");
}
