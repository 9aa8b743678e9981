#include <doctest/doctest.h>

#include "core/json.h"
#include "engine/container_json.h"
#include "engine/describe.h"
#include "engine/netstack_document.h"
#include "engine/oci_spec.h"
#include "golden.h"
#include "netstack/request.h"

using namespace burrow;
using namespace burrow::engine;

namespace {

Container example() {
  Container container{.id = ContainerId::parse(std::string(60, 'a') + "beef").value(),
                      .name = ContainerName::parse("web").value()};
  container.spec = {.command = {"sh", "-c", "echo \"ü\""},
                    .environment = {"HOME=/srv", "A=b c"},
                    .hostname = "w1",
                    .has_own_hostname = true,
                    .ports = {{.container_port = 80}},
                    .dns_servers = {IpAddress::parse("9.9.9.9").value()},
                    .hosts = {{.names = {"gw"}, .address = {}}},
                    .removes_itself = true};
  container.ports = {{.host_address = IpAddress::parse("::1").value(),
                      .host_port = 8000,
                      .container_port = 80,
                      .count = 3,
                      .protocol = Protocol::udp}};
  container.attachments = {{.network = NetworkName::parse("front").value(),
                            .interface = LinkName::parse("eth0").value(),
                            .requested_addresses = {IpAddress::parse("10.1.0.5").value()},
                            .requested_mac = MacAddress::parse("02:00:00:00:00:01").value(),
                            .aliases = {"www"},
                            .limits = {{"egress_deny", "192.0.2.0/24"}},
                            .leases = {IpAddress::parse("10.1.0.5").value()},
                            .status = {}}};
  return container;
}

netstack::Network front() {
  netstack::Network network{.name = NetworkName::parse("front").value(),
                            .id = std::string(64, '1'),
                            .driver = "bridge",
                            .interface = LinkName::parse("burrow1").value()};
  network.subnets.push_back({.network = IpNetwork::parse("10.1.0.0/24").value()});
  return network;
}

}  // namespace

TEST_CASE("the OCI document gives a container a sandbox and no cgroup") {
  const auto text = render_oci_spec(
      example(),
      {.rootfs = "/run/b/rootfs", .netns = "/run/b/netns/web", .files = "/run/b/containers/web"},
      RootAccess::writable);
  CHECK(text == golden("config.json", text));
  const auto read_only = render_oci_spec(example(), {}, RootAccess::read_only);
  CHECK(parse_json(read_only)->at("root").at("readonly") == true);
}

TEST_CASE("netstack's decoder reads the document that is meant for it") {
  const auto container = example();
  const auto text = render_netstack_document(
      {.container = container, .ports = container.ports, .networks = {front()}});
  const auto request = netstack::decode_setup_request(text);
  REQUIRE(request);
  CHECK(request->container == container.id);
  CHECK(request->container_name == "web");
  REQUIRE(request->attachments.size() == 1);
  const auto& attachment = request->attachments[0];
  CHECK(attachment.interface.str() == "eth0");
  CHECK(attachment.addresses == std::vector{IpAddress::parse("10.1.0.5").value()});
  CHECK(attachment.mac->to_string() == "02:00:00:00:00:01");
  CHECK(attachment.aliases == std::vector<std::string>{"www", "aaaaaaaaaaaa", "w1"});
  CHECK(attachment.options == container.attachments[0].limits);
  CHECK(request->ports == container.ports);
  CHECK(request->dns_servers == container.spec.dns_servers);
}

TEST_CASE("a stored container reads back as it was") {
  const auto spec = example().spec;
  const auto json = encode(spec);
  const auto back = decode_spec(JsonCursor{json});
  REQUIRE(back);
  CHECK(encode(*back) == json);
  CHECK(back->ports == spec.ports);
  CHECK_FALSE(back->hosts[0].address);
  const auto ports = encode(example().ports);
  CHECK(decode_ports(JsonCursor{ports}).value() == example().ports);
  const auto request = encode_request(example().attachments[0]);
  auto attachment = example().attachments[0];
  attachment.requested_mac.reset();
  attachment.aliases.clear();
  attachment.limits.clear();
  REQUIRE(decode_request(JsonCursor{request}, attachment));
  CHECK(encode_request(attachment) == request);
}

TEST_CASE("damaged documents are refused by the path of what is wrong") {
  auto json = encode(example().spec);
  json["ports"][0]["container_port"] = 70000;
  const auto bad = decode_spec(JsonCursor{json});
  REQUIRE_FALSE(bad);
  CHECK(bad.error().message.find("ports[0].container_port") != std::string::npos);
  const Json zero = parse_json(R"([{"host_ip":"","container_port":1,"host_port":0,"range":1,
                                    "protocol":"tcp"}])")
                        .value();
  CHECK_FALSE(decode_ports(JsonCursor{zero}));
}

TEST_CASE("ports and states are described as Podman's users know them") {
  auto container = example();
  CHECK(describe_ports(container.ports) == "[::1]:8000-8002->80-82/udp");
  CHECK(list_ports(container.ports) == std::vector<std::string>{"80/udp -> [::1]:8000",
                                                                "81/udp -> [::1]:8001",
                                                                "82/udp -> [::1]:8002"});
  CHECK(find_port(container.ports, 81, Protocol::udp) == std::vector<std::string>{"[::1]:8001"});
  CHECK(find_port(container.ports, 81, Protocol::tcp).empty());
  CHECK(find_port(container.ports, 83, Protocol::udp).empty());
  CHECK(describe_state(container, 100) == "Created");
  container.state = ContainerState::running;
  container.started = 100;
  CHECK(describe_state(container, 101) == "Up 1 second");
  CHECK(describe_state(container, 100 + 7200) == "Up 2 hours");
  container.state = ContainerState::exited;
  container.finished = 160;
  CHECK(describe_state(container, 220) == "Exited (unknown) 1 minute ago");
  container.exit_code = 3;
  CHECK(describe_state(container, 160) == "Exited (3) 0 seconds ago");
}
