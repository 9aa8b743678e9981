// The engine of one machine, open: its directories, store and network definitions. Opening it also
// cleans up after what died without a word: a reboot, a killed supervisor, a crashed command.
#pragma once

#include "engine/definitions.h"
#include "engine/directories.h"
#include "engine/store.h"

namespace burrow::engine {

struct Engine {
  Directories directories;
  Definitions definitions;
  Store store;

  /// Opens everything and cleans up. What cannot be cleaned up is warned about: it must not keep
  /// other containers from being worked with. Errors: permission, corrupt, system.
  static Result<Engine> open(const Directories& directories);
  /// The same for a program that looks after one container itself.
  static Result<Engine> open_as_supervisor(const Directories& directories);
};

Timestamp now();

}  // namespace burrow::engine
