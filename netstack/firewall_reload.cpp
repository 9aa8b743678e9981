#include <filesystem>

#include "core/log.h"
#include "netstack/commands.h"
#include "netstack/dns_daemon.h"
#include "netstack/firewalld_driver.h"
#include "netstack/host_applier.h"
#include "netstack/neighbours.h"
#include "netstack/plan_reload.h"
#include "netstack/session.h"
#include "netstack/zones.h"

namespace burrow::netstack {
namespace {

// How often the table is looked at again after somebody else changed the firewall meanwhile.
constexpr int kAttempts = 5;

using Groups = std::vector<std::vector<firewall::Element>>;

Result<void> outcome_of(std::vector<Error> errors) {
  if (errors.empty()) return {};
  return Failure{combined(errors)};
}

// One record at a time: what somebody else holds keeps nothing else from coming back.
Result<void> restore_singly(const Groups& groups, HostApplier& applier) {
  std::vector<Error> errors;
  for (const auto& group : groups) {
    auto done = applier.apply(ChangeFirewall{.restore = group});
    if (!done) errors.push_back(std::move(done).error());
  }
  return outcome_of(std::move(errors));
}

Result<void> restore(Session& session, const Groups& groups) {
  auto& nftables = session.handles().nftables;
  if (!nftables) {
    return fail(Errc::unsupported, "the kernel has no nftables, by which networks were set up");
  }
  HostApplier applier{session.handles(), session.surroundings().dns,
                      session.surroundings().plugins};
  for (int attempt = 1;; ++attempt) {
    const auto table = TRY(nftables->observe());
    auto done = applier.apply(plan_reload(table, groups));
    if (done) return done;
    if (done.error().code == Errc::already_exists && table == firewall::TableState::current) {
      return restore_singly(groups, applier);
    }
    if (done.error().code != Errc::changed || attempt == kAttempts) return done;
  }
}

}  // namespace

Result<void> firewall_reload(const Surroundings& surroundings) {
  std::error_code ignored;
  if (!std::filesystem::exists(surroundings.run_directory / "burrow", ignored)) return {};
  auto session = TRY(Session::open(surroundings));
  TRY_VOID(session.recover());
  const auto networks = TRY(session.journal().all_networks());
  const auto attachments = TRY(session.journal().all_attachments());
  const auto groups = recorded_groups(networks, attachments);
  std::vector<Error> errors;
  const auto note = [&](Result<void> done) {
    if (!done) errors.push_back(std::move(done).error());
  };
  note(restore_firewalld(networks, attachments));
  if (groups.empty()) return outcome_of(std::move(errors));
  auto restored = restore(session, groups);
  if (restored) restored = session.handles().nftables->end_admissions();
  if (restored) renew_names(surroundings.dns.directory);
  FirewalldAccess firewalld{kZonesPatience};
  const auto moved = restore_zones(networks, firewalld);
  if (moved > 0) log::info("firewall", "put {} bridges back into their zone of firewalld", moved);
  if (restored) {
    log::info("firewall", "put back what {} records have in the firewall", groups.size());
  }
  note(std::move(restored));
  const auto reopened = reopen_neighbours(networks);
  if (!reopened) {
    errors.push_back(reopened.error());
  } else if (*reopened > 0) {
    log::info("firewall", "put {} rules back into chains of other firewalls", *reopened);
  }
  return outcome_of(std::move(errors));
}

Result<void> firewall_reload(std::span<const Surroundings> engines) {
  std::vector<Error> errors;
  for (const auto& engine : engines) {
    auto done = firewall_reload(engine);
    if (!done) errors.push_back(std::move(done).error());
  }
  return outcome_of(std::move(errors));
}

}  // namespace burrow::netstack
