#include <algorithm>

#include "netstack/commands.h"
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
  const auto before =
      observe_for_foreign_teardown(request, session.handles(), session.journal(), dns);
  if (!before) return {before.error()};
  const auto plan = plan_foreign_teardown(
      request, *before,
      {.netns = netns, .plugins = find_plugins(request, session.surroundings().plugins)});
  if (plan.steps.empty()) return errors;  // no trace
  collect(errors, session.carry_out_teardown(plan, netns));
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

}  // namespace

Result<void> teardown(const fs::path& netns, const Result<std::string>& request_text,
                      const Surroundings& surroundings) {
  auto session = TRY(Session::open(surroundings, open_container(netns)));
  TRY_VOID(session.recover());
  std::vector<Error> errors;
  for (const auto& leaving : TRY(who_leaves(netns.native(), request_text, session.journal()))) {
    auto snapshot = observe_for_teardown(leaving.container, leaving.networks, session.handles(),
                                         session.journal());
    if (!snapshot) {
      errors.push_back(std::move(snapshot).error());
      continue;
    }
    collect(errors,
            session.carry_out_teardown(plan_teardown(leaving.networks, *snapshot), netns.native()));
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
