// Network definitions on disk: one JSON file per network in Podman's format, for people to read,
// copy and version. What a definition may say is decided in network_create and netstack/network.
#pragma once

#include <string_view>
#include <vector>

#include "engine/directories.h"
#include "netstack/network.h"

namespace burrow::engine {

/// The directory of definitions. Writers hold the definitions lock of the run directory.
class Definitions {
 public:
  explicit Definitions(fs::path directory) : directory_(std::move(directory)) {}

  /// All readable definitions, sorted by name. A broken file is skipped with a warning, so that it
  /// cannot stop the others.
  [[nodiscard]] Result<std::vector<netstack::Network>> load() const;
  /// The network of that name, or whose ID starts with `text`. Errors: not_found, invalid_input
  /// when several match.
  [[nodiscard]] Result<netstack::Network> get(std::string_view text) const;
  /// Writes or replaces the file of `network`.
  [[nodiscard]] Result<void> save(const netstack::Network& network) const;
  [[nodiscard]] Result<void> remove(const NetworkName& name) const;

 private:
  [[nodiscard]] fs::path file_of(const NetworkName& name) const;
  fs::path directory_;
};

}  // namespace burrow::engine
