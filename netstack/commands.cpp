#include "netstack/commands.h"

#include <algorithm>

#include "core/log.h"
#include "netstack/host_applier.h"
#include "netstack/journal.h"
#include "netstack/observe.h"

namespace burrow::netstack {
namespace {

namespace fs = std::filesystem;

// How often a set-up observes again after somebody else changed the firewall under its feet.
constexpr int kAttempts = 5;

Result<Handles> open_handles(const Surroundings& surroundings) {
  Handles handles{.route = TRY(host::RouteSocket::open())};
  // Also with the driver "none": what was set up with nftables is taken down with it.
  auto nftables = firewall::Nftables::open();
  if (nftables) {
    handles.nftables = *std::move(nftables);
  } else if (surroundings.firewall == FirewallDriver::nftables) {
    return Failure{std::move(nftables).error()};
  }
  return handles;
}

// A command between lock and answer: the journal, the ways to the host, and how plans become real.
class Session {
 public:
  static Result<Session> open(const Surroundings& surroundings) {
    auto journal = TRY(Journal::open(surroundings.run_directory));
    return Session{surroundings, std::move(journal), TRY(open_handles(surroundings))};
  }

  Result<void> enter(host::NetNs netns) {
    handles.container = TRY(ContainerHandle::open(std::move(netns)));
    return {};
  }

  // Finishes what a command that was cut short had begun: a set-up is taken back, a teardown
  // carried through. What cannot be done is logged, so that it blocks nobody else.
  Result<void> recover() {
    const auto pending = TRY(journal.pending());
    if (!pending) return {};
    log::warn("netstack", "a command was cut short: {}",
              pending->command == PendingRecord::Command::setup ? "taking a set-up back"
                                                                : "finishing a teardown");
    auto other = TRY(open_handles(surroundings));
    if (auto netns = host::NetNs::open(pending->netns)) {
      if (auto container = ContainerHandle::open(*std::move(netns))) {
        other.container = *std::move(container);
      }
    }
    HostApplier applier{other, surroundings.dns};
    const bool is_setup = pending->command == PendingRecord::Command::setup;
    const auto errors = execute_all(is_setup ? invert(pending->steps) : pending->steps, applier);
    for (const auto& error : errors) log::error("netstack", "recovery: {}", error.message);
    TRY_VOID(is_setup ? journal.restore(pending->changes) : journal.commit(pending->changes));
    return journal.clear_pending();
  }

  Result<void> carry_out_setup(const Plan& plan, const std::string& netns) {
    TRY_VOID(
        journal.write_pending({PendingRecord::Command::setup, netns, plan.steps, plan.changes}));
    HostApplier applier{handles, surroundings.dns};
    auto done = execute_all_or_nothing(plan.steps, applier);
    if (done) {
      done = journal.commit(plan.changes);
      if (!done) {
        execute_all(invert(plan.steps), applier);
        TRY_VOID(journal.restore(plan.changes));
      }
    }
    TRY_VOID(journal.clear_pending());
    return done;
  }

  // Records stay when a step failed, so that the same command can be tried again.
  std::vector<Error> carry_out_teardown(const Plan& plan, const std::string& netns) {
    std::vector<Error> errors;
    const auto note = [&](Result<void> result) {
      if (!result) errors.push_back(std::move(result).error());
    };
    if (plan.steps.empty() && plan.changes.empty()) return errors;
    note(
        journal.write_pending({PendingRecord::Command::teardown, netns, plan.steps, plan.changes}));
    HostApplier applier{handles, surroundings.dns};
    auto failed = execute_all(plan.steps, applier);
    if (failed.empty()) note(journal.commit(plan.changes));
    std::ranges::move(failed, std::back_inserter(errors));
    note(journal.clear_pending());
    return errors;
  }

  const Surroundings& surroundings;
  Journal journal;
  Handles handles;

 private:
  Session(const Surroundings& known, Journal opened_journal, Handles opened)
      : surroundings(known), journal(std::move(opened_journal)), handles(std::move(opened)) {}
};

std::vector<NetworkName> names_of(const SetupRequest& request) {
  std::vector<NetworkName> names;
  for (const auto& attachment : request.attachments) names.push_back(attachment.network.name);
  return names;
}

// A container that is on record already: set up by a command whose answer got lost, or dead without
// a teardown and back in another namespace. Its old attachments are ended first, but only for a
// request that could be planned without them.
Result<void> end_recorded_attachments(const SetupRequest& request, Session& session,
                                      const Settings& settings) {
  auto snapshot =
      TRY(observe_for_setup(request, session.handles, session.journal, session.surroundings.dns));
  std::vector<NetworkName> ended;
  const auto names = names_of(request);
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
      TRY(observe_for_teardown(request.container, ended, session.handles, session.journal));
  const auto errors = session.carry_out_teardown(plan_teardown(ended, before), settings.netns);
  if (!errors.empty()) return Failure{combined(errors)};
  return {};
}

// One container to take off networks, and what of the request speaks of it.
struct Leaving {
  ContainerId container;
  std::vector<NetworkName> networks;
  TeardownRequest asked;
};

// Whom to take down: by name from the request; a request beyond reading means those who are on
// record with the namespace, and one that names no networks means all of the container's.
Result<std::vector<Leaving>> who_leaves(const std::string& netns, std::string_view request,
                                        const Journal& journal) {
  std::vector<Leaving> leaving;
  auto asked = decode_teardown_request(request);
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
    return with_context(std::move(asked).error(), "failed to load network options");
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
  const auto& dns = session.surroundings.dns;
  const auto before = observe_for_foreign_teardown(request, session.handles, session.journal, dns);
  if (!before) return {before.error()};
  const auto plan = plan_foreign_teardown(request, *before);
  if (plan.steps.empty()) return errors;  // no trace
  collect(errors, session.carry_out_teardown(plan, netns));
  const auto after = observe_for_foreign_teardown(request, session.handles, session.journal, dns);
  if (!after) {
    errors.push_back(after.error());
    return errors;
  }
  collect(errors, session.carry_out_teardown(plan_unused_networks(request, *after), netns));
  // A network of ours may have lost its last attachment in this way: one whose record was damaged.
  const auto names = names_of(request);
  const auto rest =
      observe_for_teardown(request.container, names, session.handles, session.journal);
  if (!rest) {
    errors.push_back(rest.error());
    return errors;
  }
  collect(errors, session.carry_out_teardown(plan_teardown(names, *rest), netns));
  return errors;
}

}  // namespace

Error combined(const std::vector<Error>& errors) {
  if (errors.size() == 1) return errors.front();
  Error result{errors.front().code, "multiple errors:"};
  for (const auto& error : errors) result.message += fmt::format("\n\t- {}", error.message);
  return result;
}

Result<std::string> setup(host::NetNs netns, const fs::path& path, std::string_view request_text,
                          const Surroundings& surroundings) {
  auto request = decode_setup_request(request_text);
  if (!request) {
    return with_context(std::move(request).error(), "failed to load network options");
  }
  auto session = TRY(Session::open(surroundings));
  TRY_VOID(session.recover());
  TRY_VOID(session.enter(std::move(netns)));
  const Settings settings{
      .firewall = surroundings.firewall, .dns_port = surroundings.dns.port, .netns = path.native()};
  if (!TRY(session.journal.attachments(request->container)).empty()) {
    TRY_VOID(end_recorded_attachments(*request, session, settings));
  }
  for (int attempt = 1;; ++attempt) {
    const auto snapshot =
        TRY(observe_for_setup(*request, session.handles, session.journal, surroundings.dns));
    const auto planned = TRY(plan_setup(*request, snapshot, settings));
    auto done = session.carry_out_setup(planned.plan, path.native());
    if (done) return encode(planned.statuses).dump();
    if (done.error().code != Errc::changed || attempt == kAttempts) {
      return Failure{std::move(done).error()};
    }
  }
}

Result<void> teardown(const fs::path& netns, std::string_view request_text,
                      const Surroundings& surroundings) {
  auto session = TRY(Session::open(surroundings));
  TRY_VOID(session.recover());
  if (auto opened = host::NetNs::open(netns)) {
    if (auto entered = session.enter(*std::move(opened)); !entered) {
      log::warn("netstack", "{}", entered.error().message);
    }
  } else {
    log::warn("netstack", "container netns not found, going on without it: {}",
              opened.error().message);
  }
  std::vector<Error> errors;
  for (const auto& leaving : TRY(who_leaves(netns.native(), request_text, session.journal))) {
    auto snapshot =
        observe_for_teardown(leaving.container, leaving.networks, session.handles, session.journal);
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
    for (const auto& record : TRY(session.journal.all_attachments())) {
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
