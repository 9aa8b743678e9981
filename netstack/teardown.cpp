#include <algorithm>

#include "core/log.h"
#include "netstack/commands.h"
#include "netstack/observe.h"
#include "netstack/session.h"

namespace burrow::netstack {
namespace {

namespace fs = std::filesystem;

// One container to take off networks, and what of the request speaks of it.
struct Leaving {
  ContainerId container;
  std::vector<NetworkName> networks;
  TeardownRequest asked;
};

Result<TeardownRequest> decode(const Result<std::string>& text) {
  if (!text) return Failure{text.error()};
  auto asked = decode_teardown_request(*text);
  if (!asked) return with_context(std::move(asked).error(), "failed to load network options");
  return asked;
}

// Whom to take down: by name from the request; a request beyond reading means those who are on
// record with the namespace, and one that names no networks means all of the container's.
Result<std::vector<Leaving>> who_leaves(const std::string& netns,
                                        const Result<std::string>& request,
                                        const Journal& journal) {
  std::vector<Leaving> leaving;
  auto asked = decode(request);
  if (!asked) {
    for (const auto& record : TRY(journal.all_attachments())) {
      if (record.netns != netns) continue;
      const auto known = std::ranges::find(leaving, record.container, &Leaving::container);
      if (known != leaving.end()) {
        known->networks.push_back(record.network);
      } else {
        leaving.push_back({record.container, {record.network}, {{record.container}, {}, {}}});
      }
    }
    if (!leaving.empty()) return leaving;
    return Failure{std::move(asked).error()};
  }
  Leaving one{.container = asked->request.container, .asked = *asked};
  const auto records = TRY(journal.attachments(one.container));
  if (asked->networks) {
    one.networks = *asked->networks;
  } else {
    for (const auto& record : records) one.networks.push_back(record.network);
  }
  // What does not decode matters only for networks that have no record.
  const bool has_all = std::ranges::all_of(one.networks, [&](const NetworkName& name) {
    return std::ranges::find(records, name, &AttachmentRecord::network) != records.end();
  });
  if (has_all && !one.networks.empty()) one.asked.errors.clear();
  leaving.push_back(std::move(one));
  return leaving;
}

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

// The inside of the container, or nothing when it cannot be entered any more.
std::optional<ContainerHandle> open_container(const fs::path& path) {
  auto netns = host::NetNs::open(path);
  if (!netns) {
    log::warn("netstack", "container netns not found, going on without it: {}",
              netns.error().message);
    return std::nullopt;
  }
  auto container = ContainerHandle::open(*std::move(netns));
  if (container) return *std::move(container);
  log::warn("netstack", "{}", container.error().message);
  return std::nullopt;
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
    // What is left has no record. What had one is not looked for again: another container may live
    // in a namespace of the same name by now.
    auto rest = leaving.asked.request;
    std::erase_if(rest.attachments, [&](const AttachmentRequest& asked) {
      return std::ranges::find(snapshot->attachments, asked.network.name,
                               &AttachmentRecord::network) != snapshot->attachments.end();
    });
    if (rest.attachments.empty()) continue;
    // Nor is what another container has on record in this namespace.
    for (const auto& record : TRY(session.journal().all_attachments())) {
      if (record.netns != netns.native()) continue;
      std::erase_if(rest.attachments, [&](const AttachmentRequest& asked) {
        return asked.interface == record.interface;
      });
    }
    collect(errors, teardown_foreign(rest, session, netns.native()));
  }
  if (errors.empty()) return {};
  return Failure{combined(errors)};
}

}  // namespace burrow::netstack
