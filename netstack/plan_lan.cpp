#include "netstack/plan_lan.h"

#include <algorithm>
#include <iterator>

#include "netstack/limit_words.h"

namespace burrow::netstack {
namespace {

// Better than a bridge's 100: of a bridge and a LAN with the usual metrics, the LAN is the way out.
constexpr uint32_t kDefaultMetric = 99;

Result<void> check_mac(const AttachmentRequest& request, const LanOptions& options) {
  if (!request.mac) return {};
  const auto& name = request.network.name;
  const auto* macvlan = std::get_if<host::Macvlan>(&options.kind);
  if (macvlan == nullptr) {
    return fail(Errc::invalid_input,
                "network \"{}\": static_mac {} on an ipvlan, which has its parent's address", name,
                request.mac->to_string());
  }
  if (macvlan->mode == host::MacvlanMode::passthru) {
    return fail(Errc::invalid_input,
                "network \"{}\": static_mac {} on a macvlan in mode passthru, which has its "
                "parent's address",
                name, request.mac->to_string());
  }
  return {};
}

Result<void> check_parent(const LanAttachment& attachment, const ParentSnapshot& parent) {
  const auto& network = attachment.request->network;
  if (parent.is_loopback) {
    return fail(Errc::invalid_input, "network \"{}\": parent \"{}\" is a loopback link",
                network.name, parent.name);
  }
  if (attachment.options.mtu && parent.mtu != 0 && *attachment.options.mtu > parent.mtu) {
    return fail(Errc::invalid_input, "network \"{}\": mtu {} is more than {} of parent \"{}\"",
                network.name, *attachment.options.mtu, parent.mtu, parent.name);
  }
  return {};
}

RouterAdvertisements advertisements_of(const LanAttachment& attachment) {
  if (attachment.request->network.is_internal) return RouterAdvertisements::off;
  return attachment.options.default_route == DefaultRoute::wanted
             ? RouterAdvertisements::on
             : RouterAdvertisements::without_default_route;
}

}  // namespace

Result<LanAttachment> decode_lan_attachment(const AttachmentRequest& request) {
  auto options = decode_lan_options(request.network);
  if (!options) {
    return with_context(std::move(options).error(),
                        fmt::format("network \"{}\"", request.network.name));
  }
  for (const auto* words : {&request.options, &request.network.options}) {
    // Packets go to the LAN without ever being this host's to forward.
    auto checked = check_unlimited(*words, "limits hold on bridge networks alone");
    if (!checked) {
      return with_context(std::move(checked).error(),
                          fmt::format("network \"{}\"", request.network.name));
    }
  }
  TRY_VOID(check_mac(request, *options));
  auto addressing = TRY(decode_addressing(request));
  LanAttachment attachment{
      .request = &request, .options = *std::move(options), .addressing = std::move(addressing)};
  if (attachment.addressing.ipam == Ipam::dhcp &&
      std::holds_alternative<host::Ipvlan>(attachment.options.kind)) {
    return fail(Errc::unsupported,
                "network \"{}\": ipam driver \"dhcp\" on an ipvlan, which has its parent's MAC "
                "address: DHCP servers could not tell containers apart",
                request.network.name);
  }
  return attachment;
}

Result<host::NewLanLink> lan_link_of(const LanAttachment& attachment, const ContainerId& container,
                                     const NetworkSnapshot& network) {
  const auto& asked = *attachment.request;
  if (!network.parent) {
    if (asked.network.interface) {
      return fail(Errc::not_found, "network \"{}\": parent \"{}\" does not exist",
                  asked.network.name, *asked.network.interface);
    }
    return fail(Errc::not_found,
                "network \"{}\": network_interface is missing, and the host has no default route "
                "whose link could be the parent",
                asked.network.name);
  }
  TRY_VOID(check_parent(attachment, *network.parent));
  host::NewLanLink link{.name = asked.interface,
                        .parent = network.parent->name,
                        .group = lan_group(container, asked.network.name),
                        .kind = attachment.options.kind,
                        .mtu = attachment.options.mtu};
  auto* macvlan = std::get_if<host::Macvlan>(&link.kind);
  if (macvlan != nullptr && macvlan->mode != host::MacvlanMode::passthru) {
    macvlan->mac = asked.mac.value_or(MacAddress::derived_from(fmt::format(
        "{} {}", asked.network.id, attachment.addressing.mac_seed(container, asked.interface))));
  }
  return link;
}

MacAddress mac_of(const host::NewLanLink& link, const ParentSnapshot& parent) {
  const auto* macvlan = std::get_if<host::Macvlan>(&link.kind);
  return macvlan != nullptr && macvlan->mac ? *macvlan->mac : parent.mac;
}

Steps lan_attachment_steps(const LanAttachment& attachment, const host::NewLanLink& link,
                           const ContainerSnapshot& container, UsedMetrics& used) {
  const auto& network = attachment.request->network;
  const bool has_ipv6 = leased_families(network).size() > 1 ||
                        std::ranges::any_of(network.subnets, [](const Subnet& subnet) {
                          return subnet.network.family() == Family::ipv6;
                        });
  const ContainerSide side{
      .link = link.name,
      .mtu = link.mtu,
      .addressing = attachment.addressing,
      .default_route = default_route_of(network, attachment.options.default_route),
      .metric = attachment.options.metric.value_or(kDefaultMetric),
      .advertisements = advertisements_of(attachment),
      .has_ipv6 = has_ipv6};
  Steps steps;
  steps.emplace_back(CreateLanLink{link});
  auto inside = container_steps(side, container, used);
  std::ranges::move(inside, std::back_inserter(steps));
  return steps;
}

LeasedLink lease_of(const LanAttachment& attachment, const MacAddress& mac) {
  const auto& options = attachment.options;
  return {.attachment = *attachment.request,
          .mac = mac,
          .default_route = default_route_of(attachment.request->network, options.default_route),
          .metric = options.metric.value_or(kDefaultMetric),
          .mtu = options.mtu};
}

uint32_t lan_group(const ContainerId& container, const NetworkName& network) {
  // Apart from the groups that people number and from those that deletions use.
  return 0x20000000U |
         static_cast<uint32_t>(fnv1a(fmt::format("{} {}", container, network)) & 0x1fffffffU);
}

}  // namespace burrow::netstack
