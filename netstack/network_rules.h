// The rules by which a new network is completed, the same for every engine: gateways, lease ranges,
// names of bridges. Pure. Which subnet is free is ipam's to say.
#pragma once

#include <functional>
#include <string_view>

#include "core/names.h"
#include "netstack/network.h"

namespace burrow::netstack {

/// Whether subnets that name no gateway get one.
enum class Gateways { wanted, unwanted };

/// Internal networks have a gateway only to serve DNS on it.
Gateways gateways_of(const Network& network);

/// Gives `subnet` its first address as gateway, unless it names one. Errors: invalid_input when the
/// gateway is outside, is the network or the broadcast address of an IPv4 subnet, or when the
/// subnet has no address for one.
Result<void> complete_gateway(Subnet& subnet, Gateways gateways);

/// Checks that the bounds of the lease range lie in the subnet, in order. Errors: invalid_input.
Result<void> check_lease_range(const Subnet& subnet);

/// Checks that the subnets of one network do not overlap. Errors: invalid_input.
Result<void> check_disjoint(const std::vector<Subnet>& subnets);

bool has_family(const Network& network, Family family);

/// The first name PREFIX1, PREFIX2, ... that is not taken. Errors: exhausted; invalid_input when
/// the prefix leads to names that no network or no link can have.
Result<LinkName> free_bridge_name(std::string_view prefix,
                                  const std::function<bool(const LinkName&)>& is_taken);

/// Checks the characters of a bridge's name, which are those of networks. Errors: invalid_input.
Result<void> check_bridge_name(const LinkName& name);

}  // namespace burrow::netstack
