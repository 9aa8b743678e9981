#include "netstack/plan_lease.h"

#include <algorithm>

namespace burrow::netstack {
namespace {

bool contains(const std::vector<uint32_t>& metrics, uint32_t metric) {
  return std::ranges::find(metrics, metric) != metrics.end();
}

// One number for the routes of all families: free in each of them.
uint32_t take_metric(const std::vector<Family>& families, uint32_t wanted, UsedMetrics& used) {
  const auto is_used = [&](uint32_t metric) {
    return std::ranges::any_of(families, [&](Family family) {
      return contains(family == Family::ipv4 ? used.ipv4 : used.ipv6, metric);
    });
  };
  while (is_used(wanted) && wanted < UINT32_MAX) ++wanted;
  for (const auto family : families) {
    (family == Family::ipv4 ? used.ipv4 : used.ipv6).push_back(wanted);
  }
  return wanted;
}

}  // namespace

std::vector<Family> leased_families(const Network& network) {
  const auto* driver = find_word(network.ipam_options, "driver");
  if (driver == nullptr || *driver != "dhcp") return {};
  if (network.has_ipv6) return {Family::ipv4, Family::ipv6};
  return {Family::ipv4};
}

Result<AcquireLease> lease_step(const LeasedLink& link, const SetupRequest& request,
                                const std::string& netns, UsedMetrics& used) {
  const auto& asked = link.attachment;
  if (!netns.starts_with('/')) {
    return fail(
        Errc::invalid_input,
        "network \"{}\": the DHCP proxy needs the absolute path of the namespace, not \"{}\"",
        asked.network.name, netns.substr(0, 128));
  }
  const auto families = leased_families(asked.network);
  const bool takes_route = link.default_route == DefaultRoute::wanted;
  return AcquireLease{
      {.holder = {request.container, asked.interface},
       .network = asked.network.name,
       .netns = netns,
       .mac = link.mac,
       .hostname = dhcp::is_domain(request.hostname) ? request.hostname : std::string{},
       .client_id = {},
       .families = families,
       .default_route = takes_route ? dhcp::DefaultRoute::take : dhcp::DefaultRoute::leave,
       .metric = takes_route ? take_metric(families, link.metric, used) : link.metric,
       .mtu = link.mtu ? dhcp::MtuFrom::link : dhcp::MtuFrom::lease,
       .patience = {}}};
}

std::vector<std::string> lease_warnings(const SetupRequest& request,
                                        const AttachmentRequest& attachment) {
  std::vector<std::string> warnings;
  const auto& name = attachment.network.name;
  if (leased_families(attachment.network).empty()) return warnings;
  if (attachment.addresses && !attachment.addresses->empty()) {
    warnings.push_back(fmt::format(
        "network \"{}\": static ips have no effect: its addresses come from DHCP", name));
  }
  if (!attachment.network.routes.empty()) {
    warnings.push_back(fmt::format(
        "network \"{}\": routes have no effect: those of a DHCP network come from its server",
        name));
  }
  if (!request.hostname.empty() && !dhcp::is_domain(request.hostname)) {
    warnings.push_back(fmt::format(
        "network \"{}\": the host name \"{}\" is not told to the DHCP server: it is no name", name,
        request.hostname.substr(0, 64)));
  }
  return warnings;
}

}  // namespace burrow::netstack
