#include "netstack/neighbours.h"

#include <fmt/ranges.h>

#include "core/log.h"
#include "firewall/neighbours.h"
#include "netstack/plan_neighbours.h"

namespace burrow::netstack {
namespace {

void complain(const firewall::Placement& placement) {
  for (const auto& sentence : placement.trouble) log::error("firewall", "{}", sentence);
}

}  // namespace

void open_neighbours(const PlaceAccepts& step) {
  const auto placed = firewall::place_accepts({&step.accepts, 1});
  if (placed) {
    complain(*placed);
  } else {
    log::error("firewall", "network \"{}\" is not accepted in chains of other firewalls: {}",
               step.accepts.network, placed.error().message);
  }
}

Result<void> close_neighbours(const RemoveAccepts& step) {
  const auto removed = TRY(firewall::remove_accepts(step.accepts));
  if (removed.trouble.empty()) return {};
  return fail(Errc::system, "rules of network \"{}\" are left in chains of other firewalls: {}",
              step.accepts.network, fmt::join(removed.trouble, "; "));
}

Result<size_t> reopen_neighbours(std::span<const NetworkRecord> networks) {
  const auto placed = TRY(firewall::place_accepts(recorded_accepts(networks)));
  complain(placed);
  return placed.added;
}

}  // namespace burrow::netstack
