// Completes a network that somebody described into a whole definition: bridge, subnets, gateways,
// addresses. Pure: what of the host and of the moment counts is brought by the caller.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "netstack/create_request.h"

namespace burrow::netstack {

/// What no document can say.
struct CreateSurroundings {
  std::string now;                                        ///< RFC 3339
  std::function<uint64_t()> random;                       ///< 64 random bits a call
  std::function<bool(const LinkName&)> is_link;           ///< whether the host has such a link
  std::function<Result<Network>(const Network&)> plugin;  ///< has a driver that is not ours create
};

/// The complete network. Errors: already_exists for names that are taken, invalid_input for what
/// cannot be meant, exhausted without a free subnet, and those of the plugin. Source: reference
/// netavark 2.1, section 9.
Result<Network> plan_create(const CreateRequest& request, const CreateSurroundings& surroundings);

}  // namespace burrow::netstack
