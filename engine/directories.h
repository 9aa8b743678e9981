// Where the engine keeps what: definitions, run state, data. Only paths, nothing is made here.
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

#include "core/names.h"

namespace burrow::engine {

namespace fs = std::filesystem;

/// The three trees of the engine and the places inside them.
struct Directories {
  fs::path definitions;  ///< networks, one JSON file each; people own these files
  fs::path run;          ///< dies with the boot: network namespaces, locks, generated files
  fs::path state;        ///< outlives the boot: the store, what containers wrote

  /// The system's own, or everything below `root` when one is given.
  static Directories under(const std::optional<fs::path>& root);

  [[nodiscard]] fs::path store() const { return state / "store.db"; }
  [[nodiscard]] fs::path definitions_lock() const { return run / "networks.lock"; }
  [[nodiscard]] fs::path netns() const { return run / "netns"; }
  [[nodiscard]] fs::path netns(const ContainerId& id) const { return netns() / id.str(); }
  /// What burrow-netstack calls its configuration directory.
  [[nodiscard]] fs::path netstack() const { return run / "networks"; }
  [[nodiscard]] fs::path runtime() const { return run / "runtime"; }
  [[nodiscard]] fs::path containers() const { return run / "containers"; }
  /// Generated files and locks of one container.
  [[nodiscard]] fs::path container(const ContainerId& id) const { return containers() / id.str(); }
  /// The log and the writable layer of one container.
  [[nodiscard]] fs::path container_state(const ContainerId& id) const {
    return state / "containers" / id.str();
  }
  [[nodiscard]] fs::path log(const ContainerId& id) const { return container_state(id) / "log"; }
};

}  // namespace burrow::engine
