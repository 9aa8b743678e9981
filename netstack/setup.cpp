#include <algorithm>

#include "core/log.h"
#include "netstack/commands.h"
#include "netstack/dns_port.h"
#include "netstack/firewall_check.h"
#include "netstack/foresee.h"
#include "netstack/observe.h"
#include "netstack/plugin_answers.h"
#include "netstack/session.h"

namespace burrow::netstack {
namespace {

namespace fs = std::filesystem;

// How often a set-up observes again after somebody else changed the firewall under its feet.
constexpr int kAttempts = 5;

// A container that is on record already: set up by a command whose answer got lost, or dead without
// a teardown and back in another namespace. Its old attachments are ended first, but only for a
// request that could be planned without them, and those in this namespace come back if it fails.
Result<void> end_recorded_attachments(const SetupRequest& request, Session& session,
                                      const Settings& settings) {
  const auto snapshot = TRY(
      observe_for_setup(request, session.handles(), session.journal(), session.surroundings().dns));
  const auto replacement = plan_replacement(request, snapshot, settings.netns);
  const auto& ended = replacement.ended;
  if (ended.empty()) return {};
  const auto planned = TRY(plan_setup(request, replacement.without, settings));
  std::vector<firewall::Element> elements;
  for (const auto& record : replacement.records) {
    std::ranges::move(elements_of(record.steps), std::back_inserter(elements));
  }
  TRY_VOID(check_firewall(planned.plan, std::move(elements), session.handles()));
  const auto before =
      TRY(observe_for_teardown(request.container, ended, session.handles(), session.journal()));
  const auto teardown = plan_teardown(ended, before);
  auto put_back = plan_put_back(teardown, before, settings.netns);
  if (!put_back.empty()) {
    return session.begin_replacement(teardown, std::move(put_back), settings.netns);
  }
  const auto errors = session.carry_out_teardown(teardown, settings.netns);
  if (!errors.empty()) return Failure{combined(errors)};
  return {};
}

// Observes, plans and acts; again when somebody else changed the firewall meanwhile.
Result<std::string> attach(const SetupRequest& request, Session& session,
                           const Settings& settings) {
  for (int attempt = 1;; ++attempt) {
    const auto snapshot = TRY(observe_for_setup(request, session.handles(), session.journal(),
                                                session.surroundings().dns));
    const auto planned = TRY(plan_setup(request, snapshot, settings));
    auto done = session.carry_out_setup(planned.plan, settings.netns);
    if (done) {
      for (const auto& warning : planned.warnings) log::warn("netstack", "{}", warning);
      return answer_text(request, planned.statuses, session.plugin_answers());
    }
    if (done.error().code != Errc::changed || attempt == kAttempts) {
      return Failure{std::move(done).error()};
    }
  }
}

}  // namespace

Result<std::string> setup(host::NetNs netns, const fs::path& path, std::string_view request_text,
                          const Surroundings& surroundings) {
  auto request = decode_setup_request(request_text);
  if (!request) {
    return with_context(std::move(request).error(), "failed to load network options");
  }
  auto settled = surroundings;
  auto session = TRY(Session::open(settled, TRY(ContainerHandle::open(std::move(netns)))));
  TRY_VOID(session.recover());
  settled.dns.port =
      TRY(choose_dns_port(*request, settled.dns, settled.firewall, session.journal()));
  const Settings settings{.firewall = settled.firewall,
                          .dns_port = *settled.dns.port,
                          .publishing = settled.publishing,
                          .netns = path.native(),
                          .plugins = find_plugins(*request, settled.plugins)};
  if (!TRY(session.journal().attachments(request->container)).empty()) {
    TRY_VOID(end_recorded_attachments(*request, session, settings));
  }
  auto answer = attach(*request, session, settings);
  if (!answer) session.abandon_replacement();
  return answer;
}

}  // namespace burrow::netstack
