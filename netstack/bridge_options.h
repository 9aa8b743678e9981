// The words of a bridge network's `options`, decoded once. Pure.
#pragma once

#include <optional>

#include "core/ip.h"
#include "core/names.h"
#include "firewall/limits.h"
#include "firewall/policy.h"
#include "netstack/driver_options.h"
#include "netstack/option_words.h"
#include "netstack/request.h"

namespace burrow::netstack {

/// What the options of a bridge network and of one attachment to it ask for.
struct BridgeOptions {
  BridgeMode mode = BridgeMode::managed;
  std::optional<uint32_t> mtu;     ///< nothing: found out from the default route
  std::optional<uint32_t> metric;  ///< of the default routes
  DefaultRoute default_route = DefaultRoute::wanted;
  firewall::Isolation isolation = firewall::Isolation::strict;
  firewall::GatewayMode gateway = firewall::GatewayMode::translated;
  std::optional<firewall::Publishing> publishing;  ///< nothing: as all networks
  std::optional<IpAddress> outbound4;
  std::optional<IpAddress> outbound6;
  std::optional<uint16_t> vlan;            ///< that containers are in, 1 to 4094
  std::optional<LinkName> vrf;             ///< that the bridge is in
  firewall::Limits limits;                 ///< of the network
  firewall::Limits own_limits;             ///< of the container on it
  std::optional<LinkName> host_interface;  ///< name of the host's end of the veth pair
};

/// Who decides on published ports: `open` or `host-firewall`; nothing for another word.
std::optional<firewall::Publishing> read_publishing(std::string_view word);

/// Decodes the options of one attachment; unknown keys are ignored, as netavark's setup does.
/// Errors: invalid_input with option and word.
Result<BridgeOptions> decode_bridge_options(const AttachmentRequest& attachment);

}  // namespace burrow::netstack
