#include <poll.h>

#include <cerrno>

#include "core/log.h"
#include "firewall/firewalld.h"
#include "netstack/commands.h"
#include "netstack/firewalld_access.h"

namespace burrow::netstack {
namespace {

// firewalld has its name on the bus before it has read its configuration, and answers after that.
constexpr std::chrono::milliseconds kStartPatience{60'000};

void put_back(const Surroundings& surroundings) {
  // Waited for here, and not with the journal's lock in hand, for which set-ups wait.
  if (auto firewalld = firewall::Firewalld::find(kStartPatience); firewalld && *firewalld) {
    if (auto zones = (**firewalld).zones(); !zones) {
      log::error("firewall", "{}", zones.error().message);
    }
  }
  if (auto done = firewall_reload(surroundings); !done) {
    log::error("firewall", "{}", done.error().message);
  }
}

Result<void> wait_for_signal(const firewall::FirewalldWatch& watch) {
  pollfd waiting{.fd = watch.descriptor(), .events = POLLIN, .revents = 0};
  while (::poll(&waiting, 1, -1) < 0) {
    if (errno != EINTR) return system_failure(errno, "poll");
  }
  return {};
}

}  // namespace

Result<void> firewalld_reload(const Surroundings& surroundings) {
  auto watch = TRY(firewall::FirewalldWatch::start(kFirewalldPatience));
  put_back(surroundings);
  log::info("firewall", "waiting for firewalld to reload or to start");
  for (;;) {
    // All that has come counts once: what it calls for is the same.
    bool has_forgotten = false;
    while (const auto event = TRY(watch.next())) {
      switch (*event) {
        case firewall::FirewalldEvent::started:
        case firewall::FirewalldEvent::reloaded:
          has_forgotten = true;
          break;
        case firewall::FirewalldEvent::stopped:
          log::info("firewall", "firewalld has stopped");
          has_forgotten = false;
          break;
      }
    }
    if (has_forgotten) {
      put_back(surroundings);
      continue;
    }
    TRY_VOID(wait_for_signal(watch));
  }
}

}  // namespace burrow::netstack
