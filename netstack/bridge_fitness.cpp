#include "netstack/bridge_fitness.h"

namespace burrow::netstack {
namespace {

// What messages begin with.
std::string bridge_of(const BridgeAttachment& attachment) {
  return fmt::format("bridge \"{}\" of network \"{}\"", attachment.bridge,
                     attachment.request->network.name);
}

std::string vlan_text(std::optional<uint16_t> vlan) {
  return vlan ? fmt::format("has VLAN {}", *vlan) : std::string{"filters no VLANs"};
}

Result<void> check_vrf(const BridgeAttachment& attachment, const NetworkSnapshot& network) {
  const auto& wanted = attachment.options.vrf;
  if (wanted && !network.vrf) {
    return fail(Errc::not_found, "vrf \"{}\" of network \"{}\" does not exist", *wanted,
                attachment.request->network.name);
  }
  if (wanted && network.vrf->kind != "vrf") {
    return fail(Errc::already_exists, "link \"{}\" of network \"{}\" exists and is no vrf{}",
                *wanted, attachment.request->network.name,
                network.vrf->kind.empty() ? "" : fmt::format(" but a {}", network.vrf->kind));
  }
  if (!network.bridge) return {};
  const auto& master = network.bridge->master;
  const auto wanted_master = wanted ? wanted->str() : std::string{};
  if (master == wanted_master) return {};
  return fail(Errc::already_exists, "{} exists {}, but the network asks for {}",
              bridge_of(attachment),
              master.empty() ? "outside of any vrf" : fmt::format("in \"{}\"", master),
              wanted ? fmt::format("vrf \"{}\"", *wanted) : "no vrf");
}

Result<void> check_managed(const BridgeAttachment& attachment, const NetworkSnapshot& network,
                           const Snapshot& host) {
  if (attachment.has_family(Family::ipv6) && host.disables_ipv6) {
    return fail(Errc::unsupported,
                "network \"{}\" has an IPv6 subnet, but IPv6 is disabled on the host (sysctl "
                "net.ipv6.conf.default.disable_ipv6)",
                attachment.request->network.name);
  }
  const auto& vlan = attachment.options.vlan;
  if (!network.bridge || !vlan || network.bridge->default_vlan == vlan) return {};
  return fail(Errc::already_exists,
              "{} exists and {}, not VLAN {}: its gateway would not be reached",
              bridge_of(attachment), vlan_text(network.bridge->default_vlan), *vlan);
}

Result<void> check_unmanaged(const BridgeAttachment& attachment, const NetworkSnapshot& network) {
  if (!network.bridge) {
    return fail(Errc::not_found, "{} does not exist, and mode unmanaged makes none",
                bridge_of(attachment));
  }
  if (!network.bridge->is_up) {
    return fail(Errc::invalid_input, "{} is down, and mode unmanaged leaves it as it is",
                bridge_of(attachment));
  }
  return {};
}

}  // namespace

Result<void> check_bridge(const BridgeAttachment& attachment, const NetworkSnapshot& network,
                          const Snapshot& host) {
  if (network.bridge && !network.bridge->is_bridge) {
    return fail(Errc::already_exists, "link \"{}\" of network \"{}\" exists and is no bridge{}",
                attachment.bridge, attachment.request->network.name,
                network.bridge->kind.empty() ? "" : fmt::format(" but a {}", network.bridge->kind));
  }
  TRY_VOID(check_vrf(attachment, network));
  return attachment.is_managed() ? check_managed(attachment, network, host)
                                 : check_unmanaged(attachment, network);
}

}  // namespace burrow::netstack
