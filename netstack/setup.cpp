#include <algorithm>

#include "core/log.h"
#include "netstack/commands.h"
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
// request that could be planned without them.
Result<void> end_recorded_attachments(const SetupRequest& request, Session& session,
                                      const Settings& settings) {
  auto snapshot = TRY(
      observe_for_setup(request, session.handles(), session.journal(), session.surroundings().dns));
  std::vector<NetworkName> ended;
  const auto names = network_names(request);
  for (const auto& record : snapshot.attachments) {
    const bool is_asked_for = std::ranges::find(names, record.network) != names.end();
    if (!is_asked_for && record.netns == settings.netns) continue;
    ended.push_back(record.network);
    if (snapshot.container) snapshot.container->taken_links.erase(record.interface);
    if (!is_asked_for) continue;
    auto& network = snapshot.networks.at(record.network);
    network.taken_host_link.reset();
    if (const auto link = record.host_link()) network.free_host_link = link->name;
  }
  std::erase_if(snapshot.attachments, [&](const AttachmentRecord& record) {
    return std::ranges::find(ended, record.network) != ended.end();
  });
  if (ended.empty()) return {};
  TRY(plan_setup(request, snapshot, settings));
  const auto before =
      TRY(observe_for_teardown(request.container, ended, session.handles(), session.journal()));
  const auto errors = session.carry_out_teardown(plan_teardown(ended, before), settings.netns);
  if (!errors.empty()) return Failure{combined(errors)};
  return {};
}

}  // namespace

Result<std::string> setup(host::NetNs netns, const fs::path& path, std::string_view request_text,
                          const Surroundings& surroundings) {
  auto request = decode_setup_request(request_text);
  if (!request) {
    return with_context(std::move(request).error(), "failed to load network options");
  }
  auto session = TRY(Session::open(surroundings, TRY(ContainerHandle::open(std::move(netns)))));
  TRY_VOID(session.recover());
  const Settings settings{.firewall = surroundings.firewall,
                          .dns_port = surroundings.dns.port,
                          .netns = path.native(),
                          .plugins = find_plugins(*request, surroundings.plugins)};
  if (!TRY(session.journal().attachments(request->container)).empty()) {
    TRY_VOID(end_recorded_attachments(*request, session, settings));
  }
  for (int attempt = 1;; ++attempt) {
    const auto snapshot =
        TRY(observe_for_setup(*request, session.handles(), session.journal(), surroundings.dns));
    const auto planned = TRY(plan_setup(*request, snapshot, settings));
    auto done = session.carry_out_setup(planned.plan, path.native());
    if (done) {
      for (const auto& warning : planned.warnings) log::warn("netstack", "{}", warning);
      return answer_text(*request, planned.statuses, session.plugin_answers());
    }
    if (done.error().code != Errc::changed || attempt == kAttempts) {
      return Failure{std::move(done).error()};
    }
  }
}

}  // namespace burrow::netstack
