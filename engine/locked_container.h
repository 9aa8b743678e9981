// A container that nobody starts, ends or changes meanwhile.
#pragma once

#include <string_view>

#include "engine/container_lock.h"
#include "engine/engine.h"

namespace burrow::engine {

/// A container as it was read under its lock.
struct LockedContainer {
  ContainerLock lock;
  Container container;
};

/// Locks the container called `text` against its start and end, and reads it afterwards. Errors:
/// not_found, also when it went meanwhile; invalid_input when several match.
Result<LockedContainer> lock_container(Engine& engine, std::string_view text);

}  // namespace burrow::engine
