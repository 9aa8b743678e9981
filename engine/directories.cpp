#include "engine/directories.h"

namespace burrow::engine {

Directories Directories::under(const std::optional<fs::path>& root) {
  if (!root) {
    return {
        .definitions = "/etc/burrow/networks", .run = "/run/burrow", .state = "/var/lib/burrow"};
  }
  // Absolute: paths end up in mounts and in other programs' arguments.
  const auto base = fs::absolute(*root).lexically_normal();
  return {.definitions = base / "networks", .run = base / "run", .state = base / "state"};
}

}  // namespace burrow::engine
