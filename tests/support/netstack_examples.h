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

/// A host that has nothing of ours yet.
inline Snapshot empty_host(const SetupRequest& request) {
  Snapshot snapshot;
  for (const auto& attachment : request.attachments) {
    NetworkSnapshot network;
    network.free_host_link = host_link_names(request.container, attachment.network.name).front();
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
