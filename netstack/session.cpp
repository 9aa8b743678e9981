#include "netstack/session.h"

#include <algorithm>

#include "core/log.h"
#include "netstack/host_applier.h"

namespace burrow::netstack {
namespace {

constexpr uint32_t kMostAttempts = 3;
constexpr size_t kMostUnfinished = 64;

// What outlives a container: the rest goes with its namespace.
bool concerns_host(const Step& step) {
  if (const auto* set = std::get_if<SetSysctl>(&step)) return set->place == Place::host;
  if (const auto* remove = std::get_if<RemoveAddress>(&step)) return remove->place == Place::host;
  return std::holds_alternative<DeleteLinks>(step) ||
         std::holds_alternative<ChangeFirewall>(step) ||
         std::holds_alternative<ChangeFirewalld>(step) ||
         std::holds_alternative<RemoveDnsEntry>(step) ||
         std::holds_alternative<RemoveAccepts>(step) ||
         std::holds_alternative<ReplaceDnsEntry>(step) ||
         std::holds_alternative<ForgetSettings>(step) || std::holds_alternative<LeaveZone>(step) ||
         std::holds_alternative<SetVlanFiltering>(step) ||
         std::holds_alternative<LeadBridgedPackets>(step);
}

// Brings attachments back that were ended, or half ended.
std::vector<Error> bring_back(Steps steps, Handles& handles, HostApplier& applier) {
  auto errors = execute_all(invert(steps), applier);
  for (auto& step : steps) {
    auto* change = std::get_if<ChangeFirewall>(&step);
    if (change == nullptr || !handles.nftables) continue;
    // Our table may have gone with them, and it may not.
    const auto state = handles.nftables->observe();
    const bool is_missing = state && *state == firewall::TableState::missing;
    change->table = is_missing ? TableChange::create : TableChange::keep;
  }
  std::ranges::move(execute_all(steps, applier), std::back_inserter(errors));
  if (auto kept = applier.keep_leases(); !kept) errors.push_back(std::move(kept).error());
  return errors;
}

}  // namespace

Result<Handles> open_handles(const Surroundings& surroundings) {
  Handles handles{.route = TRY(host::RouteSocket::open())};
  handles.uses_zones = surroundings.firewall == FirewallDriver::nftables;
  handles.keeps_firewalld = surroundings.firewall == FirewallDriver::firewalld;
  handles.opens_neighbours = surroundings.firewall == FirewallDriver::nftables &&
                             surroundings.other_firewalls == firewall::OtherFirewalls::accept;
  // Also with the driver "none": what was set up with nftables is taken down with it.
  auto nftables = firewall::Nftables::open();
  if (nftables) {
    handles.nftables = *std::move(nftables);
  } else if (surroundings.firewall == FirewallDriver::nftables) {
    return Failure{std::move(nftables).error()};
  }
  return handles;
}

Result<Session> Session::open(const Surroundings& surroundings,
                              std::optional<ContainerHandle> container) {
  auto handles = TRY(open_handles(surroundings));
  handles.container = std::move(container);
  auto journal = TRY(Journal::open(surroundings.run_directory));
  return Session{surroundings, std::move(journal), std::move(handles)};
}

Result<void> Session::retry_unfinished() {
  auto unfinished = TRY(journal_.unfinished());
  if (!unfinished) return {};
  HostApplier applier{handles_, surroundings_->dns, surroundings_->plugins};
  Steps left;
  for (auto& failed : execute_each(unfinished->steps, applier)) {
    log::error("netstack", "still not taken back: {}", failed.error.message);
    left.push_back(std::move(failed.step));
  }
  if (left.empty() || ++unfinished->attempts >= kMostAttempts) return journal_.clear_unfinished();
  unfinished->steps = std::move(left);
  return journal_.write_unfinished(*unfinished);
}

Result<void> Session::keep_unfinished(const std::vector<FailedStep>& failed) const {
  auto unfinished = TRY(journal_.unfinished()).value_or(UnfinishedRecord{});
  const auto before = unfinished.steps.size();
  for (const auto& one : failed) {
    if (unfinished.steps.size() == kMostUnfinished) break;
    if (concerns_host(one.step)) unfinished.steps.push_back(one.step);
  }
  if (unfinished.steps.size() == before) return {};
  unfinished.attempts = 0;
  return journal_.write_unfinished(unfinished);
}

Result<void> Session::recover() {
  TRY_VOID(retry_unfinished());
  TRY_VOID(recover_pending());
  return recover_errands();
}

Result<Handles> Session::handles_in(const std::string& path) const {
  auto handles = TRY(open_handles(*surroundings_));
  if (auto netns = host::NetNs::open(path)) {
    if (auto container = ContainerHandle::open(*std::move(netns))) {
      handles.container = *std::move(container);
    }
  }
  return handles;
}

Result<void> Session::recover_pending() {
  const auto pending = TRY(journal_.pending());
  if (!pending) return {};
  log::warn("netstack", "a command was cut short: {}",
            pending->command == PendingRecord::Command::setup ? "taking a set-up back"
                                                              : "finishing a teardown");
  auto other = TRY(handles_in(pending->netns));
  HostApplier applier{other, surroundings_->dns, surroundings_->plugins};
  const bool is_setup = pending->command == PendingRecord::Command::setup;
  const auto failed = execute_each(is_setup ? invert(pending->steps) : pending->steps, applier);
  std::vector<Error> errors;
  for (const auto& one : failed) errors.push_back(one.error);
  TRY_VOID(keep_unfinished(failed));
  if (!pending->put_back.empty()) {
    std::ranges::move(bring_back(pending->put_back, other, applier), std::back_inserter(errors));
  }
  for (const auto& error : errors) log::error("netstack", "recovery: {}", error.message);
  TRY_VOID(is_setup ? journal_.restore(pending->changes) : journal_.commit(pending->changes));
  return journal_.clear_pending();
}

// With what this set-up replaces: a crash from here on takes back both.
PendingRecord Session::pending_setup(const Plan& plan, const std::string& netns) const {
  PendingRecord record{PendingRecord::Command::setup, netns, plan.steps, {}, {}};
  if (replacement_) {
    record.changes = replacement_->changes;
    record.put_back = replacement_->put_back;
  }
  record.changes.insert(record.changes.end(), plan.changes.begin(), plan.changes.end());
  return record;
}

Result<void> Session::carry_out_steps(const Plan& plan, const std::string& netns) {
  TRY_VOID(journal_.write_pending(pending_setup(plan, netns)));
  HostApplier applier{handles_, surroundings_->dns, surroundings_->plugins};
  auto attempt = attempt_all(plan.steps, applier);
  auto done = std::move(attempt.outcome);
  TRY_VOID(keep_unfinished(attempt.left));
  if (done) {
    done = journal_.commit(plan.changes);
    if (!done) {
      execute_all(invert(plan.steps), applier);
      TRY_VOID(journal_.restore(plan.changes));
    }
  }
  if (!done && replacement_) {
    TRY_VOID(journal_.write_pending(pending_setup({}, netns)));
    return done;
  }
  replacement_.reset();
  if (done) TRY_VOID(journal_.clear_unfinished());
  TRY_VOID(journal_.clear_pending());
  return done;
}

Result<void> Session::begin_replacement(const Plan& teardown, Steps put_back,
                                        const std::string& netns) {
  replacement_ = Replacement{netns, std::move(put_back), teardown.changes};
  TRY_VOID(journal_.write_pending(pending_setup({}, netns)));
  HostApplier applier{handles_, surroundings_->dns, surroundings_->plugins};
  // Errands, too: what is replaced must be able to come back, which needs the lock.
  auto errors = execute_all(teardown.errands, applier);
  std::ranges::move(execute_all(teardown.steps, applier), std::back_inserter(errors));
  auto done = errors.empty() ? journal_.commit(teardown.changes) : Failure{combined(errors)};
  if (!done) abandon_replacement();
  return done;
}

void Session::abandon_replacement() {
  if (!replacement_) return;
  const auto note = [](const Result<void>& result) {
    if (!result) log::error("netstack", "bringing back: {}", result.error().message);
  };
  HostApplier applier{handles_, surroundings_->dns, surroundings_->plugins};
  for (const auto& error : bring_back(replacement_->put_back, handles_, applier)) {
    log::error("netstack", "bringing back: {}", error.message);
  }
  note(journal_.restore(replacement_->changes));
  note(journal_.clear_pending());
  replacement_.reset();
}

std::vector<Error> Session::carry_out_teardown(const Plan& plan, const std::string& netns,
                                               std::vector<Error> errors) {
  const auto note = [&](Result<void> result) {
    if (!result) errors.push_back(std::move(result).error());
  };
  if (plan.steps.empty() && plan.changes.empty()) return errors;
  note(journal_.write_pending({PendingRecord::Command::teardown, netns, plan.steps, plan.changes}));
  HostApplier applier{handles_, surroundings_->dns, surroundings_->plugins};
  auto failed = execute_all(plan.steps, applier);
  if (failed.empty() && errors.empty()) note(journal_.commit(plan.changes));
  std::ranges::move(failed, std::back_inserter(errors));
  note(journal_.clear_pending());
  return errors;
}

Error combined(const std::vector<Error>& errors) {
  if (errors.size() == 1) return errors.front();
  Error result{errors.front().code, "multiple errors:"};
  for (const auto& error : errors) result.message += fmt::format("\n\t- {}", error.message);
  return result;
}

}  // namespace burrow::netstack
