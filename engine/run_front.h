// The command's side of a running container: starts its supervisor, passes signals on, waits.
#pragma once

#include "engine/containers.h"
#include "engine/engine.h"

namespace burrow::engine {

/// How a run ended for the person who started it.
struct RunOutcome {
  int exit_code = 0;
  std::string error;  ///< empty unless the engine failed
};

/// Starts the container that `supervision` holds. A detached one: returns as soon as it runs.
/// Else its standard descriptors are ours; signals are passed on until it ends.
/// Errors: system, when the supervisor could not even be started or died without a word.
Result<RunOutcome> run_in_front(const Directories& directories, const ContainerId& id,
                                const ContainerSpec& spec, ContainerLock supervision);

}  // namespace burrow::engine
