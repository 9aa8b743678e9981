// Networks as the user works with them: create, remove, and who is on them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"
#include "engine/network_create.h"

namespace burrow::engine {

/// The network that containers join without being told.
constexpr std::string_view kDefaultNetwork = "burrow";

enum class WhenPresent { fail, keep };

/// Creates a network and writes its definition. With `keep` a network of that name is left alone.
/// Yields its name. Errors: invalid_input, already_exists, unsupported, exhausted.
Result<NetworkName> create_network(Engine& engine, const NewNetwork& wanted,
                                   WhenPresent when_present);

/// Makes sure that the default network has a definition. Call without the definitions lock.
Result<void> ensure_default_network(Engine& engine);

/// Why a network was not removed, for the exit code.
enum class RemovalFailure { none, not_found, in_use, other };
struct Removal {
  RemovalFailure failure = RemovalFailure::none;
  std::string message;
};

/// Removes the network called `text`. One that containers are attached to stays, unless `force`,
/// which removes those containers as well.
enum class Force { no, yes };
Removal remove_network(Engine& engine, std::string_view text, Force force);

/// What the user sees of a network: its definition and the running containers on it.
struct NetworkView {
  netstack::Network network;
  std::vector<Container> containers;
};
Result<std::vector<NetworkView>> view_networks(Engine& engine);

}  // namespace burrow::engine
