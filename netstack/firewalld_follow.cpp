#include "netstack/firewalld_follow.h"

#include <poll.h>

#include <cerrno>

#include "core/log.h"
#include "firewall/firewalld.h"
#include "netstack/firewalld_access.h"
#include "netstack/firewalld_driver.h"
#include "netstack/journal.h"
#include "netstack/zones.h"

namespace burrow::netstack {
namespace {

// firewalld has its name on the bus before it has read its configuration, and answers after that.
constexpr std::chrono::milliseconds kStartPatience{60'000};

// Here, and not with the journal's lock in hand, for which set-ups wait.
void await_start() {
  auto firewalld = firewall::Firewalld::find(kStartPatience);
  if (!firewalld || !*firewalld) return;
  if (auto zones = (**firewalld).zones(); !zones) {
    log::error("firewall", "{}", zones.error().message);
  }
}

Result<void> wait_for_signal(const firewall::FirewalldWatch& watch) {
  pollfd waiting{.fd = watch.descriptor(), .events = POLLIN, .revents = 0};
  while (::poll(&waiting, 1, -1) < 0) {
    if (errno != EINTR) return system_failure(errno, "poll");
  }
  return {};
}

Result<void> restore_zones_of(const std::filesystem::path& run_directory) {
  std::vector<NetworkRecord> networks;
  {
    const auto journal = TRY(Journal::look(run_directory));
    networks = TRY(journal.all_networks());
  }
  FirewalldAccess access{kZonesPatience};
  if (const auto moved = restore_zones(networks, access); moved > 0) {
    log::warn("watch", "put {} bridges back into their zone of firewalld", moved);
  }
  return {};
}

}  // namespace

Result<void> follow_firewalld(const std::function<void()>& put_back) {
  auto watch = TRY(firewall::FirewalldWatch::start(kFirewalldPatience));
  await_start();
  put_back();
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
      await_start();
      put_back();
      continue;
    }
    TRY_VOID(wait_for_signal(watch));
  }
}

Result<void> keep_zones(const std::vector<std::filesystem::path>& run_directories) {
  return follow_firewalld([&] {
    for (const auto& path : run_directories) {
      if (auto done = restore_zones_of(path); !done)
        log::error("watch", "{}", done.error().message);
      if (auto done = restore_firewalld(path); !done)
        log::error("watch", "{}", done.error().message);
    }
  });
}

}  // namespace burrow::netstack
