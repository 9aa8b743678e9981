// Requests and snapshots that several unit tests of netstack start from.
#pragma once

#include <string>

#include "netstack/plan.h"

namespace burrow::netstack::examples {

/// A dual-stack network with DNS, one address per family, a static route and published ports.
inline std::string request_text(const std::string& container = "c0ffee",
                                const std::string& v4 = "10.1.0.2") {
  return R"({"container_id":")" + container + R"(","container_name":"web","port_mappings":[
    {"host_ip":"","container_port":80,"host_port":8080,"range":1,"protocol":"tcp,udp"}],
   "networks":{"front":{"static_ips":[")" +
         v4 + R"(","fd00:1::2"],"aliases":["www"],"interface_name":"eth0"}},
   "dns_servers":["192.0.2.53"],
   "network_info":{"front":{"name":"front","id":"0123456789abcdef","driver":"bridge","network_interface":"br-front",
    "subnets":[{"subnet":"10.1.0.0/24","gateway":"10.1.0.1"},{"subnet":"fd00:1::/64","gateway":"fd00:1::1"}],
    "routes":[{"destination":"10.9.0.0/16","route_type":"blackhole"}],
    "ipv6_enabled":true,"internal":false,"dns_enabled":true}}})";
}

/// A network of driver macvlan or ipvlan with static routes, and published ports without effect.
inline std::string lan_request_text(const std::string& driver = "macvlan",
                                    const std::string& options = R"({"mtu":"1400"})",
                                    const std::string& more = "") {
  return R"({"container_id":"c0ffee","container_name":"web","port_mappings":[
    {"host_ip":"","container_port":80,"host_port":8080,"range":1,"protocol":"tcp"}],
   "networks":{"lan":{"static_ips":["192.0.2.10","2001:db8::10"],"interface_name":"eth0")" +
         more + R"(}},
   "network_info":{"lan":{"name":"lan","id":"0123456789abcdef","driver":")" +
         driver + R"(","network_interface":"uplink","options":)" + options + R"(,
    "subnets":[{"subnet":"192.0.2.0/24","gateway":"192.0.2.1"},{"subnet":"2001:db8::/64","gateway":"2001:db8::1"}],
    "routes":[{"destination":"10.9.0.0/16","gateway":"192.0.2.7"},{"destination":"10.8.0.0/16","route_type":"blackhole"}],
    "ipv6_enabled":true,"internal":false,"dns_enabled":false}}})";
}

/// A network of driver macvlan, whose addresses are leased.
inline std::string leased_request_text(const std::string& options = "{}",
                                       const std::string& more = "",
                                       const std::string& driver = "macvlan") {
  return R"({"container_id":"c0ffee","container_name":"web","container_hostname":"web.example",
   "networks":{"lan":{"interface_name":"eth0"}},
   "network_info":{"lan":{"name":"lan","id":"0123456789abcdef","driver":")" +
         driver + R"(","network_interface":"uplink","options":)" + options +
         R"(,"ipam_options":{"driver":"dhcp"},"ipv6_enabled":true,"internal":false,"dns_enabled":false)" +
         more + R"(}}})";
}

/// A host that has nothing of ours yet.
inline Snapshot empty_host(const SetupRequest& request) {
  Snapshot snapshot;
  for (const auto& attachment : request.attachments) {
    NetworkSnapshot network;
    network.free_host_link = host_link_names(request.container, attachment.network.name).front();
    network.parent = ParentSnapshot{.name = *LinkName::parse("uplink"),
                                    .mac = *MacAddress::parse("02:00:00:00:00:01"),
                                    .mtu = 1500,
                                    .is_up = true};
    snapshot.networks.emplace(attachment.network.name, network);
  }
  snapshot.container = ContainerSnapshot{.has_ipv6 = true};
  snapshot.forwarding4 = ForwardingSnapshot{};
  snapshot.forwarding6 = ForwardingSnapshot{.is_on = true};
  snapshot.default_route_mtu = 1400;
  snapshot.has_dns_daemon = true;
  return snapshot;
}

inline Settings settings() { return {.netns = "/run/netns/c"}; }

}  // namespace burrow::netstack::examples
