// The process that stands behind each running container: starts it, waits for its end, records it
// and cleans up. Our own program started again, so that no daemon is needed.
#pragma once

#include "engine/container_lock.h"
#include "engine/engine.h"
#include "engine/runtime.h"
#include "host/fd.h"

namespace burrow::engine {

/// Descriptors that a supervisor is started with, by their fixed numbers.
struct SupervisorFds {
  static constexpr int report = 3;
  static constexpr int supervision_lock = 4;
  static constexpr int first_stdio = 5;  ///< three of them
};

/// Starts a supervisor for the container that `supervision` holds. `stdio` becomes the container's.
/// Yields the end to read reports from. Errors: system.
Result<host::Fd> start_supervisor(const Directories& directories, const ContainerId& id,
                                  const ContainerLock& supervision, const Stdio& stdio);

/// Is the supervisor: starts the container, waits for its end and cleans up. Takes over the
/// descriptors of SupervisorFds. What goes wrong is reported and written to standard error.
Result<void> supervise(const Directories& directories, const ContainerId& id);

}  // namespace burrow::engine
