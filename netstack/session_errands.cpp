// The part of a session that lets the journal's lock go: errands.
#include <algorithm>

#include "core/log.h"
#include "netstack/host_applier.h"
#include "netstack/observe.h"
#include "netstack/plugin_answers.h"
#include "netstack/session.h"

namespace burrow::netstack {
namespace {

bool is_forwarding(const Step& step) {
  const auto* set = std::get_if<SetSysctl>(&step);
  return set != nullptr && set->place == Place::host && set->before;
}

// What of a set-up a teardown, much later, would leave; but the set-up was to be all or nothing.
Steps left_by_teardown(const Steps& steps) {
  Steps result;
  std::ranges::copy_if(steps, std::back_inserter(result), [](const Step& step) {
    return std::holds_alternative<StartLoopback>(step) || is_forwarding(step);
  });
  return result;
}

bool ends_host(const Plan& plan) {
  return std::ranges::any_of(plan.changes, [](const RecordChange& change) {
    return change.path == host_record_path() && !change.after;
  });
}

// Forwarding stays for networks that came meanwhile.
void add_besides(const Steps& besides, Plan& plan) {
  for (auto& step : invert(besides)) {
    if (is_forwarding(step) && !ends_host(plan)) continue;
    if (std::ranges::find(plan.steps, step) == plan.steps.end()) {
      plan.steps.push_back(std::move(step));
    }
  }
}

// All that the claim stands for goes once this is made.
RecordChange end_of(const ErrandRecord& record) {
  return {errand_record_path(record.container), encode(record), std::nullopt};
}

}  // namespace

Result<bool> Session::await_errands(const ContainerId& container) {
  bool has_waited = false;
  while (TRY(journal_.are_errands_run(container))) {
    has_waited = true;
    log::info("netstack", "waiting for a command that is at work for container {}", container);
    journal_.unlock();
    const auto waited = journal_.wait_for_errands(container);
    TRY_VOID(journal_.relock());
    TRY_VOID(waited);
    TRY_VOID(recover());
  }
  return has_waited;
}

Result<void> Session::carry_out_setup(const Plan& plan, const SetupRequest& request,
                                      const std::string& netns) {
  if (plan.errands.empty()) return carry_out_steps(plan, netns);
  const ErrandRecord record{.container = request.container,
                            .netns = netns,
                            .networks = network_names(request),
                            .besides = left_by_teardown(plan.steps)};
  auto claimed = plan;
  claimed.changes.push_back({errand_record_path(record.container), std::nullopt, encode(record)});
  auto claim = TRY(journal_.begin_errands(record.container));
  auto done = carry_out_steps(claimed, netns);
  if (done) done = run_errands_of_setup(plan, record);
  journal_.end_errands(std::move(claim));
  return done;
}

Result<void> Session::run_errands_of_setup(const Plan& plan, const ErrandRecord& record) {
  HostApplier applier{handles_, surroundings_->dns, surroundings_->plugins};
  journal_.unlock();
  auto done = attempt_all(plan.errands, applier).outcome;
  if (done) {
    done = applier.keep_leases();
    if (!done) execute_all(invert(plan.errands), applier);
  }
  TRY_VOID(journal_.relock());
  TRY_VOID(recover());  // of commands that came and went meanwhile
  if (!done) {
    TRY_VOID(take_back(record, handles_, Errands::done));
    return done;
  }
  auto changes = with_answers(plan.changes, applier.plugin_answers());
  std::erase_if(changes, [](const RecordChange& change) {
    return !change.path.starts_with("attachments/");  // others may have changed these since
  });
  changes.push_back(end_of(record));
  done = journal_.commit(changes);
  if (!done) {
    TRY_VOID(take_back(record, handles_, Errands::to_be_run));
    return done;
  }
  plugin_answers_ = applier.plugin_answers();
  granted_leases_ = applier.granted_leases();
  return {};
}

Result<void> Session::take_back(const ErrandRecord& record, Handles& handles, Errands errands) {
  const auto snapshot =
      TRY(observe_for_teardown(record.container, record.networks, handles, journal_));
  auto plan = plan_teardown(record.networks, snapshot);
  if (errands == Errands::to_be_run) {
    plan.steps.insert(plan.steps.begin(), plan.errands.begin(), plan.errands.end());
  }
  add_besides(record.besides, plan);
  plan.changes.push_back(end_of(record));
  TRY_VOID(journal_.write_pending(
      {PendingRecord::Command::teardown, record.netns, plan.steps, plan.changes, {}}));
  HostApplier applier{handles, surroundings_->dns, surroundings_->plugins};
  const auto failed = execute_each(plan.steps, applier);
  for (const auto& one : failed) {
    log::error("netstack", "while taking back a set-up: {}", one.error.message);
  }
  TRY_VOID(keep_unfinished(failed));
  TRY_VOID(journal_.commit(plan.changes));
  return journal_.clear_pending();
}

Result<void> Session::recover_errands() {
  for (const auto& record : TRY(journal_.errands())) {
    if (TRY(journal_.are_errands_run(record.container))) continue;
    log::warn("netstack", "a set-up of container {} was cut short: taking it back",
              record.container);
    auto handles = TRY(handles_in(record.netns));
    TRY_VOID(take_back(record, handles, Errands::to_be_run));
  }
  return journal_.clear_claims();
}

Result<void> Session::run_errands(const ContainerId& container, const Steps& errands,
                                  std::vector<Error>& errors) {
  auto claim = TRY(journal_.begin_errands(container));
  journal_.unlock();
  {
    HostApplier applier{handles_, surroundings_->dns, surroundings_->plugins};
    for (auto& error : execute_all(errands, applier)) errors.push_back(std::move(error));
  }
  TRY_VOID(journal_.relock());
  journal_.end_errands(std::move(claim));
  return recover();
}

}  // namespace burrow::netstack
