#include "engine/container.h"

namespace burrow::engine {

std::string_view to_string(ContainerState state) {
  switch (state) {
    case ContainerState::created:
      return "created";
    case ContainerState::running:
      return "running";
    case ContainerState::exited:
      return "exited";
  }
  return "?";
}

std::string short_id(const ContainerId& id) { return id.str().substr(0, 12); }

}  // namespace burrow::engine
