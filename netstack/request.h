// What an engine asks for: the document on standard input of `setup` and `teardown`, decoded once.
// Types and forms are checked here; what a driver makes of its options is decided by its planner.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/ip.h"
#include "core/json.h"
#include "core/mac.h"
#include "core/names.h"
#include "core/port.h"
#include "netstack/network.h"

namespace burrow::netstack {

/// One container on one network: what it shall get there.
struct AttachmentRequest {
  Network network;
  LinkName interface;                               ///< its link inside the container
  std::optional<std::vector<IpAddress>> addresses;  ///< asked for by the engine's IPAM
  std::optional<MacAddress> mac;
  std::vector<std::string> aliases;  ///< further DNS names, as written
  Strings options;                   ///< per-container driver options
};

/// A whole request. `attachments` is in the order in which links are to be made.
struct SetupRequest {
  ContainerId container;
  std::string container_name;  ///< may be empty; a DNS name only if it can be one
  std::string hostname = {};   ///< what the container calls itself; may be empty, for DHCP servers
  std::vector<AttachmentRequest> attachments;
  std::vector<PortMapping> ports;
  std::vector<IpAddress> dns_servers;
};

/// The networks of a request, in its order.
std::vector<NetworkName> network_names(const SetupRequest& request);

/// Decodes a request; `networks` may be a map or an array. Errors: invalid_input with the path of
/// the field and what was found. Source: netavark 2.1's schema.
Result<SetupRequest> decode_setup_request(std::string_view text);

/// What can be read of a request that need not be sane: enough to find records by, and to derive
/// what has none from.
struct TeardownRequest {
  SetupRequest request;  ///< with the attachments that decode
  /// Names of the networks meant; nothing when the request does not say, which means all.
  std::optional<std::vector<NetworkName>> networks;
  std::vector<Error> errors;  ///< of what does not decode
};

/// Reads as much as makes sense. Errors: invalid_input when the text is no JSON object or has no
/// container id.
Result<TeardownRequest> decode_teardown_request(std::string_view text);

}  // namespace burrow::netstack
