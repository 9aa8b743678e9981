// What an engine asks of `create`: a network as far as its user described it, what is in use, and
// where free names and subnets come from. Decoded once; decides nothing.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "ipam/subnets.h"
#include "netstack/network.h"

namespace burrow::netstack {

/// Whether a bridge network may have a subnet that is in use already.
enum class UsedSubnets { allowed, refused };

/// The document on standard input of `create`.
struct CreateRequest {
  Network network;
  std::set<std::string> used_interfaces;          ///< bridges of other networks
  std::map<std::string, std::string> used_names;  ///< of other networks, with their identifiers
  std::vector<IpNetwork> used_subnets;
  std::vector<ipam::SubnetPool> pools;
  std::optional<std::string> default_interface;  ///< what names of new bridges begin with
  UsedSubnets when_used = UsedSubnets::refused;
};

/// Errors: invalid_input with the path of the field and what was found. Source: reference netavark
/// 2.1, 2.3.
Result<CreateRequest> decode_create_request(std::string_view text);

}  // namespace burrow::netstack
