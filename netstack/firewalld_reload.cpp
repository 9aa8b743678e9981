#include "core/log.h"
#include "netstack/commands.h"
#include "netstack/firewalld_follow.h"

namespace burrow::netstack {

Result<void> firewalld_reload(const Surroundings& surroundings) {
  return follow_firewalld([&] {
    if (auto done = firewall_reload(surroundings); !done) {
      log::error("firewall", "{}", done.error().message);
    }
  });
}

}  // namespace burrow::netstack
