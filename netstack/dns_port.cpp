#include "netstack/dns_port.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "core/log.h"
#include "host/port_probe.h"

namespace burrow::netstack {
namespace {

constexpr std::array<uint16_t, 4> kOtherPorts{1053, 5053, 10053, 20053};

std::vector<IpAddress> dns_gateways(const SetupRequest& request) {
  std::vector<IpAddress> gateways;
  for (const auto& attachment : request.attachments) {
    if (!attachment.network.has_dns) continue;
    for (const auto& subnet : attachment.network.subnets) {
      if (subnet.gateway) gateways.push_back(*subnet.gateway);
    }
  }
  return gateways;
}

// Where questions to networks on record are led: their daemon may have ended, and whoever starts it
// again must not leave them without it.
Result<std::vector<uint16_t>> recorded_ports(const Journal& journal) {
  std::vector<uint16_t> ports;
  for (const auto& record : TRY(journal.all_networks())) {
    auto elements = elements_of(record.steps);
    std::ranges::move(firewalld_elements_of(record.steps), std::back_inserter(elements));
    for (const auto& element : elements) {
      const bool is_dns =
          element.set == firewall::SetName::dns4 || element.set == firewall::SetName::dns6;
      if (!is_dns || element.value.size() != 2) continue;
      const auto* led_to = std::get_if<firewall::PortRange>(&element.value.back());
      if (led_to != nullptr && std::ranges::find(ports, led_to->first) == ports.end()) {
        ports.push_back(led_to->first);
      }
    }
  }
  return ports;
}

// The gateway that is not free at `port`, if there is one. What cannot be found out is taken for
// free: the daemon says what is wrong.
std::optional<IpAddress> taken_at(uint16_t port, const std::vector<IpAddress>& gateways) {
  for (const auto& gateway : gateways) {
    for (const auto protocol : {Protocol::udp, Protocol::tcp}) {
      if (!host::is_port_free(gateway, protocol, port).value_or(true)) return gateway;
    }
  }
  return std::nullopt;
}

}  // namespace

Result<uint16_t> choose_dns_port(const SetupRequest& request, const DnsDaemon& dns,
                                 FirewallDriver firewall, const Journal& journal) {
  if (dns.port) return *dns.port;
  const auto gateways = dns_gateways(request);
  if (gateways.empty() || firewall == FirewallDriver::none || !dns.is_installed()) {
    return kDnsPort;
  }
  if (const auto port = dns.running_port()) return *port;
  auto candidates = TRY(recorded_ports(journal));
  candidates.push_back(kDnsPort);
  std::ranges::copy(kOtherPorts, std::back_inserter(candidates));
  std::optional<IpAddress> in_the_way;
  for (const auto port : candidates) {
    const auto taken = taken_at(port, gateways);
    if (port == kDnsPort) in_the_way = taken;
    if (taken) continue;
    if (in_the_way) {
      log::warn("netstack",
                "another program has port 53 of {}: names are served on port {}, to which the "
                "firewall leads the containers",
                in_the_way->to_string(), port);
    }
    return port;
  }
  return kDnsPort;
}

}  // namespace burrow::netstack
