// Containers as the user works with them: create, stop, remove. Starting is the supervisor's.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "engine/container_lock.h"
#include "engine/engine.h"
#include "engine/network_option.h"

namespace burrow::engine {

/// What `run` was asked for.
struct NewContainer {
  std::optional<std::string> name;  ///< nothing: a word and the start of its identifier
  std::optional<std::string> hostname;
  /// Nothing: the default network. Empty: none.
  std::optional<std::vector<NetworkChoice>> networks;
  ContainerSpec spec;
};

/// A container in the store, with the lock that keeps others from cleaning it up as a crashed one.
struct Reserved {
  ContainerId id;
  ContainerName name;
  ContainerLock supervision;
};

/// Enters a container into the store. Nothing runs yet. Errors: invalid_input, not_found for a
/// network, already_exists for the name.
Result<Reserved> create_container(Engine& engine, const NewContainer& wanted);

/// Stops a running container: SIGTERM, and SIGKILL after `patience`. Returns when everything it had
/// on the host is gone. One that does not run is fine. Errors: not_found, system.
Result<void> stop_container(Engine& engine, std::string_view text,
                            std::chrono::milliseconds patience);

enum class RemoveRunning { no, yes };

/// Removes a container; a running one only with `yes`. Errors: not_found, already_exists when it
/// runs, system.
Result<void> remove_existing(Engine& engine, std::string_view text, RemoveRunning running);

/// The free interface name for a further network: the first ethN that no attachment has.
Result<LinkName> free_interface(const std::vector<Attachment>& attachments);

}  // namespace burrow::engine
