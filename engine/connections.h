// Connecting containers to further networks and disconnecting them, running or not.
#pragma once

#include <string_view>

#include "engine/engine.h"
#include "engine/network_option.h"

namespace burrow::engine {

/// Connects a container. A running one gets its interface, name service and hosts entries at once.
/// All or nothing. Errors: not_found, already_exists, invalid_input, exhausted, system.
Result<void> connect_container(Engine& engine, std::string_view container,
                               const NetworkChoice& choice);

/// Disconnects a container. When the network cannot be torn down it stays connected.
/// Errors: not_found, also when it is not connected; system.
Result<void> disconnect_container(Engine& engine, std::string_view container,
                                  std::string_view network);

}  // namespace burrow::engine
