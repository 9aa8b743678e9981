// A container from its start to its end: every step with its undo. Who calls holds the locks.
#pragma once

#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/port_reservation.h"
#include "engine/runtime.h"

namespace burrow::engine {

/// Exit codes that people know from Podman.
constexpr int kExitEngineError = 125;
constexpr int kExitCannotRun = 126;
constexpr int kExitNotFound = 127;

/// A container that did not start: everything is undone.
struct StartFailure {
  int exit_code = kExitEngineError;
  std::string message;
};

/// A container that runs. Its ports are held as long as this lives.
struct Started {
  ProcessIdentity process;
  PortReservation ports;
};

/// One of the two.
struct StartOutcome {
  std::optional<Started> started;
  StartFailure failure;
};

/// Starts container `id`: ports, addresses, namespace, network, files, process, in this order.
/// On failure undoes what it did in reverse. The caller holds both locks of the container.
StartOutcome start_container(Engine& engine, const ContainerId& id, const Stdio& stdio);

/// Ends the run of container `id` and takes everything back that it had on the host; goes on past
/// failures and reports all. Safe to repeat. The caller holds both locks of the container.
Result<void> end_container(Engine& engine, const ContainerId& id, std::optional<int> exit_code);

/// Removes all traces of an ended container. The caller holds its supervision lock.
Result<void> remove_container(Engine& engine, const ContainerId& id);

/// Ends what died without a word and removes what never came to be. Yields what went wrong.
std::vector<std::string> clean_up_after_crashes(Engine& engine);

/// The definitions of the networks that `container` is attached to, in its order.
/// Errors: not_found when one is gone.
Result<std::vector<netstack::Network>> networks_of(const Engine& engine,
                                                   const Container& container);

}  // namespace burrow::engine
