#include <algorithm>

#include "netstack/commands.h"
#include "netstack/ending.h"
#include "netstack/leaving.h"
#include "netstack/observe.h"
#include "netstack/session.h"

namespace burrow::netstack {
namespace {

namespace fs = std::filesystem;

void collect(std::vector<Error>& errors, std::vector<Error> more) {
  std::ranges::move(more, std::back_inserter(errors));
}

// What somebody else set up: only as far as there are traces of it.
std::vector<Error> teardown_foreign(const SetupRequest& request, Session& session,
                                    const std::string& netns) {
  std::vector<Error> errors;
  const auto& dns = session.surroundings().dns;
  const Settings settings{.netns = netns,
                          .plugins = find_plugins(request, session.surroundings().plugins)};
  bool has_traces = false;
  const auto plan = [&]() -> Result<Plan> {
    const auto before =
        TRY(observe_for_foreign_teardown(request, session.handles(), session.journal(), dns));
    auto planned = plan_foreign_teardown(request, before, settings);
    has_traces |= !planned.steps.empty() || !planned.errands.empty();
    return planned;
  };
  collect(errors, end_attachments(request.container, plan, session, netns));
  if (!has_traces) return errors;
  const auto after =
      observe_for_foreign_teardown(request, session.handles(), session.journal(), dns);
  if (!after) {
    errors.push_back(after.error());
    return errors;
  }
  collect(errors, session.carry_out_teardown(plan_unused_networks(request, *after), netns));
  // A network of ours may have lost its last attachment in this way: one whose record was damaged.
  const auto names = network_names(request);
  const auto rest =
      observe_for_teardown(request.container, names, session.handles(), session.journal());
  if (!rest) {
    errors.push_back(rest.error());
    return errors;
  }
  collect(errors, session.carry_out_teardown(plan_teardown(names, *rest), netns));
  return errors;
}

// Whom to take down, when no other command is at work for any of them.
Result<std::vector<Leaving>> settled_leavers(const std::string& netns,
                                             const Result<std::string>& request, Session& session) {
  while (true) {
    auto leaving = TRY(who_leaves(netns, request, session.journal()));
    bool has_waited = false;
    for (const auto& one : leaving) has_waited |= TRY(session.await_errands(one.container));
    if (!has_waited) return leaving;
  }
}

}  // namespace

Result<void> teardown(const fs::path& netns, const Result<std::string>& request_text,
                      const Surroundings& surroundings) {
  auto session = TRY(Session::open(surroundings, open_container(netns)));
  TRY_VOID(session.recover());
  std::vector<Error> errors;
  for (const auto& leaving : TRY(settled_leavers(netns.native(), request_text, session))) {
    std::optional<Snapshot> snapshot;
    const auto plan = [&]() -> Result<Plan> {
      snapshot = TRY(observe_for_teardown(leaving.container, leaving.networks, session.handles(),
                                          session.journal()));
      return plan_teardown(leaving.networks, *snapshot);
    };
    collect(errors, end_attachments(leaving.container, plan, session, netns.native()));
    if (!snapshot) continue;
    for (const auto& error : leaving.asked.errors) {
      errors.push_back(with_context(error, "failed to load network options").value());
    }
    const auto rest =
        TRY(without_records(leaving.asked.request, *snapshot, netns.native(), session.journal()));
    if (rest.attachments.empty()) continue;
    collect(errors, teardown_foreign(rest, session, netns.native()));
  }
  if (errors.empty()) return {};
  return Failure{combined(errors)};
}

}  // namespace burrow::netstack
