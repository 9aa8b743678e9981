#include "netstack/plan_checks.h"

#include <algorithm>
#include <set>

#include "netstack/dns_records.h"
#include "netstack/plan_lease.h"

namespace burrow::netstack {
namespace {

Result<void> check_ipv6_inside(const SetupRequest& request, const Snapshot& snapshot) {
  if (!snapshot.container->disables_ipv6) return {};
  for (const auto& asked : request.attachments) {
    if (is_builtin_driver(asked.network.driver) && leased_families(asked.network).size() > 1) {
      return fail(Errc::unsupported,
                  "network \"{}\" has IPv6 addresses from DHCP for the container, but IPv6 is "
                  "disabled in it (sysctl net.ipv6.conf.default.disable_ipv6)",
                  asked.network.name);
    }
    for (const auto& address : asked.addresses.value_or(std::vector<IpAddress>{})) {
      if (address.is_v4() || !is_builtin_driver(asked.network.driver)) continue;
      return fail(Errc::unsupported,
                  "network \"{}\" has the IPv6 address {} for the container, but IPv6 is disabled "
                  "in it (sysctl net.ipv6.conf.default.disable_ipv6)",
                  asked.network.name, address.to_string());
    }
  }
  return {};
}

Result<void> check_no_loop(const IpAddress& server,
                           const std::vector<BridgeAttachment>& attachments,
                           const Snapshot& snapshot) {
  for (const auto& attachment : attachments) {
    const auto gateways = listens_on(attachment, snapshot);
    if (attachment.request->network.has_dns &&
        std::ranges::find(gateways, server) != gateways.end()) {
      return fail(Errc::invalid_input,
                  "DNS server {} is the gateway of network \"{}\": queries would go in a circle",
                  server.to_string(), attachment.request->network.name);
    }
  }
  return {};
}

// What is wrong only with several networks at once.
Result<void> check_together(const SetupRequest& request,
                            const std::vector<BridgeAttachment>& attachments,
                            const Snapshot& snapshot) {
  std::set<LinkName> bridges;
  std::set<LinkName> host_links;
  for (const auto& attachment : attachments) {
    const auto& host_link = attachment.options.host_interface;
    if (host_link && !host_links.insert(*host_link).second) {
      return fail(Errc::invalid_input, "host_interface_name \"{}\" is given to two networks",
                  *host_link);
    }
    if (attachment.is_managed() && !bridges.insert(attachment.bridge).second) {
      return fail(Errc::invalid_input, "two networks of the request have the bridge \"{}\"",
                  attachment.bridge);
    }
  }
  for (const auto& attachment : attachments) {
    const auto& network = attachment.request->network;
    if (network.has_dns && listens_on(attachment, snapshot).empty() && snapshot.has_dns_daemon) {
      return fail(Errc::invalid_input,
                  "network \"{}\" has DNS enabled but no {} address to serve it on", network.name,
                  attachment.is_managed() ? "gateway" : "bridge");
    }
    if (!snapshot.has_dns_daemon) continue;
    if (network.has_dns && dns_file_of(network) == "aardvark.pid") {
      return fail(Errc::invalid_input, "a network with DNS cannot be called \"{}\"", network.name);
    }
    if (network.has_dns) {
      if (auto lines = network_dns_lines(network); !lines) {
        return with_context(std::move(lines).error(), fmt::format("network \"{}\"", network.name));
      }
    }
    for (const auto* servers : {&network.dns_servers, &request.dns_servers}) {
      for (const auto& server : *servers) TRY_VOID(check_no_loop(server, attachments, snapshot));
    }
  }
  return {};
}

// The mappings must make sense even where no network carries them.
Result<void> check_publication(const SetupRequest& request) {
  if (request.ports.empty() || request.attachments.empty()) return {};
  const auto any4 = IpAddress::v4(1);
  const auto any6 = *IpAddress::parse("::1");
  TRY(firewall::compile(firewall::Publication{.container = request.container,
                                              .container_name = request.container_name,
                                              .network = request.attachments[0].network.name,
                                              .ports = request.ports,
                                              .address4 = any4,
                                              .address6 = any6}));
  return {};
}

}  // namespace

std::vector<IpAddress> listens_on(const BridgeAttachment& attachment, const Snapshot& snapshot) {
  if (attachment.is_managed()) return attachment.addressing.gateways;
  std::vector<IpAddress> addresses;
  const auto& bridge = snapshot.networks.at(attachment.request->network.name).bridge;
  for (const auto& [address, length] : bridge ? bridge->addresses : std::vector<IpInterface>{}) {
    if (!address.is_link_local()) addresses.push_back(address);
  }
  return addresses;
}

Result<void> check_request(const SetupRequest& request,
                           const std::vector<BridgeAttachment>& attachments,
                           const Snapshot& snapshot) {
  TRY_VOID(check_ipv6_inside(request, snapshot));
  TRY_VOID(check_together(request, attachments, snapshot));
  return check_publication(request);
}

}  // namespace burrow::netstack
