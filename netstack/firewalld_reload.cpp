#include "core/log.h"
#include "netstack/commands.h"
#include "netstack/firewalld_follow.h"

namespace burrow::netstack {

Result<void> firewalld_reload(std::span<const Surroundings> engines) {
  return follow_firewalld([&] {
    if (auto done = firewall_reload(engines); !done) {
      log::error("firewall", "{}", done.error().message);
    }
  });
}

}  // namespace burrow::netstack
