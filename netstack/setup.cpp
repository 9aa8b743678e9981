#include <algorithm>
#include <map>

#include "core/log.h"
#include "netstack/commands.h"
#include "netstack/dns_port.h"
#include "netstack/ending.h"
#include "netstack/firewall_check.h"
#include "netstack/foresee.h"
#include "netstack/lease_status.h"
#include "netstack/observe.h"
#include "netstack/plugin_answers.h"
#include "netstack/session.h"

namespace burrow::netstack {
namespace {

namespace fs = std::filesystem;

// How often a set-up observes again after somebody else changed the firewall under its feet.
constexpr int kAttempts = 5;

// Namespaces of attachments, each with the networks there.
using ByNamespace = std::map<std::string, std::vector<NetworkName>>;

ByNamespace by_namespace(const std::vector<AttachmentRecord>& records) {
  ByNamespace networks;
  for (const auto& record : records) networks[record.netns].push_back(record.network);
  return networks;
}

// The inside of a namespace that the container was in, if it is there.
std::optional<ContainerHandle> old_inside(const std::string& path) {
  auto netns = host::NetNs::open(path);
  if (!netns) return std::nullopt;
  auto inside = ContainerHandle::open(*std::move(netns));
  if (!inside) return std::nullopt;
  return *std::move(inside);
}

// Whether another container is on record in the namespace: by a path that was used again.
Result<bool> is_anothers(const std::string& path, const ContainerId& container,
                         const Journal& journal) {
  const auto records = TRY(journal.all_attachments());
  return std::ranges::any_of(records, [&](const AttachmentRecord& record) {
    return record.netns == path && record.container != container;
  });
}

// Ends attachments in a namespace that the container is no longer in. Where that is still there
// the links in it go, too: those of a LAN have no end on the host that could be deleted.
Result<void> end_elsewhere(const ContainerId& container, const std::vector<NetworkName>& networks,
                           const std::string& netns, Session& session, const Settings& settings) {
  const auto plan = [&]() -> Result<Plan> {
    auto planned = plan_teardown(
        networks,
        TRY(observe_for_teardown(container, networks, session.handles(), session.journal())));
    // Links are known to be ours, routes without a link are not.
    if (TRY(is_anothers(netns, container, session.journal()))) {
      std::erase_if(planned.steps,
                    [](const Step& step) { return std::holds_alternative<RemoveRoute>(step); });
    }
    return planned;
  };
  auto inside = old_inside(netns);
  std::vector<Error> errors;
  if (inside) {
    auto own = session.enter(std::move(inside));
    errors = end_attachments(container, plan, session, netns);
    session.enter(std::move(own));
  } else {
    errors = end_attachments(container, plan, session, settings.netns);
  }
  if (!errors.empty()) return Failure{combined(errors)};
  return {};
}

// A container that is on record already: set up by a command whose answer got lost, or dead without
// a teardown and back in another namespace. Its old attachments are ended first, but only for a
// request that could be planned without them, and those in this namespace come back if it fails.
Result<void> end_recorded_attachments(const SetupRequest& request, Session& session,
                                      const Settings& settings) {
  const auto snapshot = TRY(
      observe_for_setup(request, session.handles(), session.journal(), session.surroundings().dns));
  const auto replacement = plan_replacement(request, snapshot, settings.netns);
  if (replacement.ended.empty()) return {};
  const auto planned = TRY(plan_setup(request, replacement.without, settings));
  std::vector<firewall::Element> elements;
  for (const auto& record : replacement.records) {
    std::ranges::move(elements_of(record.steps), std::back_inserter(elements));
  }
  TRY_VOID(check_firewall(planned.plan, std::move(elements), session.handles()));
  auto networks = by_namespace(replacement.records);
  const auto here = networks.extract(settings.netns);
  for (const auto& [netns, elsewhere] : networks) {
    TRY_VOID(end_elsewhere(request.container, elsewhere, netns, session, settings));
  }
  if (here.empty()) return {};
  const auto before = TRY(
      observe_for_teardown(request.container, here.mapped(), session.handles(), session.journal()));
  const auto teardown = plan_teardown(here.mapped(), before);
  return session.begin_replacement(teardown, plan_put_back(teardown, before, settings.netns),
                                   settings.netns);
}

// What was planned, with the leases that were got meanwhile.
std::vector<Status> with_leases(std::vector<Status> statuses, const GrantedLeases& granted) {
  for (auto& status : statuses) {
    const auto leases = granted.find(status.network);
    if (leases != granted.end()) status = with_leases(std::move(status), leases->second);
  }
  return statuses;
}

// Observes, plans and acts; again when somebody else changed the firewall meanwhile.
Result<std::string> attach(const SetupRequest& request, Session& session,
                           const Settings& settings) {
  for (int attempt = 1;; ++attempt) {
    const auto snapshot = TRY(observe_for_setup(request, session.handles(), session.journal(),
                                                session.surroundings().dns));
    const auto planned = TRY(plan_setup(request, snapshot, settings));
    auto done = session.carry_out_setup(planned.plan, request, settings.netns);
    if (done) {
      for (const auto& warning : planned.warnings) log::warn("netstack", "{}", warning);
      return answer_text(request, with_leases(planned.statuses, session.granted_leases()),
                         session.plugin_answers());
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
  TRY(session.await_errands(request->container));
  settled.dns.port =
      TRY(choose_dns_port(*request, settled.dns, settled.firewall, session.journal()));
  const Settings settings{.firewall = settled.firewall,
                          .dns_port = *settled.dns.port,
                          .publishing = settled.publishing,
                          .other_firewalls = settled.other_firewalls,
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
