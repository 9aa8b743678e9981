// The steps that make one bridge network and one attachment to it, as if nothing stood yet. Pure.
#pragma once

#include <vector>

#include "netstack/bridge_options.h"
#include "netstack/dns_file.h"
#include "netstack/plan.h"
#include "netstack/plan_container.h"
#include "netstack/plan_lease.h"

namespace burrow::netstack {

/// The setting by which a bridge's IPv4 packets go on to other links.
std::string forwarding_key(const LinkName& bridge);
/// The setting by which packets of the loopback network may leave by the bridge.
std::string route_localnet_key(const LinkName& bridge);

/// One attachment of a request with everything about it decoded and checked.
struct BridgeAttachment {
  const AttachmentRequest* request;  ///< borrowed from the request
  LinkName bridge;
  BridgeOptions options;
  Addressing addressing;

  [[nodiscard]] bool has_family(Family family) const;  ///< any subnet of `family`
  /// Whether the bridge is ours to make, to have addresses and to guard; else it is somebody's LAN.
  [[nodiscard]] bool is_managed() const { return options.mode == BridgeMode::managed; }
};

/// Checks one attachment. Errors: invalid_input, unsupported.
Result<BridgeAttachment> decode_bridge_attachment(const AttachmentRequest& request);

/// What the firewall makes of the network.
firewall::NetworkPolicy policy_of(const BridgeAttachment& attachment, bool serves_dns,
                                  uint16_t dns_port,
                                  firewall::Loopback6 loopback6 = firewall::Loopback6::refused);

/// Everything that a fresh network needs; `mtu` of the bridge only if an option asks for it.
Steps fresh_network_steps(const BridgeAttachment& attachment,
                          std::vector<firewall::Element> elements);

/// The step that has systemd keep what `fresh` sets for the bridge and the host; before all of
/// them.
KeepSettings kept_settings(const BridgeAttachment& attachment, const Steps& fresh);

/// What of it `snapshot` lacks.
Steps missing_network_steps(const Steps& fresh, const NetworkSnapshot& snapshot);

/// The steps of the attachment itself, but for firewall and DNS. Marks the metrics it takes in
/// `used`: the first network in order has the best default route.
Steps attachment_steps(const BridgeAttachment& attachment, const host::NewVeth& veth,
                       const ContainerSnapshot& container, UsedMetrics& used);

/// The container's link of an attachment whose addresses are leased.
LeasedLink lease_of(const BridgeAttachment& attachment, const MacAddress& mac);

}  // namespace burrow::netstack
