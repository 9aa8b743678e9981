#include "engine/port_publisher.h"

#include <doctest/doctest.h>

using namespace burrow;
using namespace burrow::engine;

namespace {

std::vector<Container> running(PortMapping mapping) {
  Container container{.id = *ContainerId::parse("c0ffee"),
                      .name = *ContainerName::parse("web"),
                      .spec = {},
                      .started = {},
                      .finished = {},
                      .exit_code = {},
                      .process = {},
                      .ports = {mapping},
                      .attachments = {}};
  return {container};
}

std::string owner_of(const PortRequest& wanted, const PortMapping& there) {
  return publisher_of({wanted}, running(there)).value_or("nobody");
}

const auto kFirst = *IpAddress::parse("192.0.2.1");
const auto kSecond = *IpAddress::parse("192.0.2.2");

}  // namespace

TEST_CASE("the container that publishes a port is named with the first port in common") {
  const PortMapping range{.host_port = 8080, .container_port = 80, .count = 4};
  CHECK(owner_of({.host_port = 8082, .container_port = 1}, range) ==
        "port 8082/tcp is already published by container \"web\"");
  CHECK(owner_of({.host_port = 8078, .container_port = 1, .count = 3}, range) ==
        "port 8080/tcp is already published by container \"web\"");
}

TEST_CASE("ports that are apart are nobody's") {
  const PortMapping one{.host_address = kFirst, .host_port = 8080, .container_port = 80};
  CHECK(owner_of({.host_port = 8081, .container_port = 1}, one) == "nobody");
  CHECK(owner_of({.container_port = 80}, one) == "nobody");
  CHECK(owner_of({.host_port = 8080, .container_port = 80, .protocol = Protocol::udp}, one) ==
        "nobody");
  CHECK(owner_of({.host_address = kSecond, .host_port = 8080, .container_port = 80}, one) ==
        "nobody");
  CHECK(owner_of({.host_address = kFirst, .host_port = 8080, .container_port = 80}, one) !=
        "nobody");
  CHECK(owner_of({.host_port = 8080, .container_port = 80}, one) != "nobody");
}
