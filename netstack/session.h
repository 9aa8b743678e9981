// A command between lock and answer: the journal, the ways to the host, and how plans become real.
// What is to be done is decided by planners.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "netstack/execute.h"
#include "netstack/handles.h"
#include "netstack/journal.h"
#include "netstack/leases.h"
#include "netstack/plan.h"
#include "netstack/surroundings.h"

namespace burrow::netstack {

/// The ways to the host, without those into a container. Errors: as of Session::open.
Result<Handles> open_handles(const Surroundings& surroundings);

/// One command at a time: holds the journal's lock as long as it lives, but for the time that
/// errands take, and borrows its surroundings.
class Session {
 public:
  /// Opens what every command needs and then waits for the lock: what can be done without it is
  /// done before, so that of many commands at once only one waits for another's deeds. `container`
  /// are the ways into the container's namespace, if it is there. Errors: system, permission,
  /// unsupported (no nftables).
  static Result<Session> open(const Surroundings& surroundings,
                              std::optional<ContainerHandle> container = std::nullopt);

  /// Finishes what a command that was cut short had begun: a set-up is taken back, a teardown
  /// carried through. What cannot be done is logged, so that it blocks nobody else, and tried again
  /// by the next commands: three times at most, and not after a set-up, which may need what an
  /// earlier one was to lose.
  Result<void> recover();

  /// Lets a command that runs errands for the container finish. Whether there was one: what has
  /// been read of the journal is out of date then.
  Result<bool> await_errands(const ContainerId& container);

  /// Carries a plan out, all or nothing, and makes the journal say so. Its errands come last and
  /// without the journal's lock, with the attachments on record; others can tell by a claim that
  /// they are being run, and when this command has gone. `netns` is the path of the container's
  /// namespace, by which recovery finds it. Errors: of the step that failed.
  Result<void> carry_out_setup(const Plan& plan, const SetupRequest& request,
                               const std::string& netns);

  /// Carries a plan out that has no errands and nothing inside a container, all or nothing, and
  /// makes the journal say so. Errors: of the step that failed.
  Result<void> carry_out(const Plan& plan) { return carry_out_steps(plan, {}); }

  /// Ends attachments in favour of a set-up that is to follow. They come back, by `put_back`, when
  /// `abandon_replacement` says that it failed, and when this command is cut short before a set-up
  /// was carried out. Errors: what could not be ended; then they are back already.
  Result<void> begin_replacement(const Plan& teardown, Steps put_back, const std::string& netns);
  /// Brings back what was to be replaced, if anything was. What cannot be brought back is logged.
  void abandon_replacement();

  /// Runs the errands of a teardown, without the journal's lock, before anything else of it: what
  /// was planned is out of date afterwards. What could not be done is appended to `errors`. Errors:
  /// the lock cannot be got back, so that nothing more may be done.
  Result<void> run_errands(const ContainerId& container, const Steps& errands,
                           std::vector<Error>& errors);
  /// Carries a plan out as far as possible, but for its errands, which failed with `errors`.
  /// Records stay when a step or an errand failed, so that the same command can be tried again. All
  /// errors.
  std::vector<Error> carry_out_teardown(const Plan& plan, const std::string& netns,
                                        std::vector<Error> errors = {});

  /// What the plugins of the last set-up answered.
  [[nodiscard]] const PluginAnswers& plugin_answers() const { return plugin_answers_; }
  /// What DHCP servers granted to the last set-up.
  [[nodiscard]] const GrantedLeases& granted_leases() const { return granted_leases_; }
  [[nodiscard]] const Surroundings& surroundings() const { return *surroundings_; }
  [[nodiscard]] const Journal& journal() const { return journal_; }
  Handles& handles() { return handles_; }
  /// Works in another namespace from here on, or in none. The ways into the one before.
  std::optional<ContainerHandle> enter(std::optional<ContainerHandle> container) {
    return std::exchange(handles_.container, std::move(container));
  }

 private:
  Session(const Surroundings& surroundings, Journal journal, Handles handles)
      : surroundings_(&surroundings), handles_(std::move(handles)), journal_(std::move(journal)) {}

  // What has been ended in favour of a set-up that has not been carried out yet.
  struct Replacement {
    std::string netns;
    Steps put_back;
    std::vector<RecordChange> changes;
  };
  [[nodiscard]] PendingRecord pending_setup(const Plan& plan, const std::string& netns) const;
  Result<void> carry_out_steps(const Plan& plan, const std::string& netns);
  Result<void> run_errands_of_setup(const Plan& plan, const ErrandRecord& record);
  // Whether the errands of what is taken back have been seen to.
  enum class Errands { to_be_run, done };
  Result<void> take_back(const ErrandRecord& record, Handles& handles, Errands errands);

  // Ways to the host and, if it is there, into the container in `netns`.
  [[nodiscard]] Result<Handles> handles_in(const std::string& netns) const;
  Result<void> recover_pending();
  Result<void> recover_errands();
  Result<void> retry_unfinished();
  Result<void> keep_unfinished(const std::vector<FailedStep>& failed) const;

  const Surroundings* surroundings_;
  std::optional<Replacement> replacement_;
  Handles handles_;
  PluginAnswers plugin_answers_;
  GrantedLeases granted_leases_;
  Journal journal_;  // last, so that others need not wait while the rest is closed
};

/// Several errors as one, in netavark's form: a header and a line each.
Error combined(const std::vector<Error>& errors);

}  // namespace burrow::netstack
