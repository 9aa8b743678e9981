#include "netstack/dry_run_command.h"

#include <algorithm>
#include <iterator>

#include "netstack/dns_port.h"
#include "netstack/firewall_check.h"
#include "netstack/foresee.h"
#include "netstack/leaving.h"
#include "netstack/observe.h"
#include "netstack/plugin_answers.h"
#include "netstack/session.h"

namespace burrow::netstack {
namespace {

namespace fs = std::filesystem;

void append(Steps& to, const Steps& steps) { to.insert(to.end(), steps.begin(), steps.end()); }

// A look at journal and host as they will be: what a session is to commands that act, but with
// nothing in hand that writes.
class View {
 public:
  static Result<View> open(const Surroundings& surroundings,
                           std::optional<ContainerHandle> container) {
    auto handles = TRY(open_handles(surroundings));
    handles.container = std::move(container);
    return View{TRY(Journal::look(surroundings.run_directory)), std::move(handles)};
  }

  // What a session's recovery would do; from here on everything is seen as it will be after that.
  Result<void> look_past_recovery(DryRun& run) {
    if (const auto unfinished = TRY(journal_.unfinished())) {
      run.retried = unfinished->steps;
      gone_.add(run.retried);
    }
    const auto pending = TRY(journal_.pending());
    if (!pending) return {};
    run.recovery = recovery_of(*pending);
    const auto departure = recovery_from(*pending, run.netns);
    gone_.add(departure.steps);
    std::ranges::copy(departure.links, std::back_inserter(gone_.links));
    std::ranges::copy(departure.routes, std::back_inserter(gone_.routes));
    if (pending->command == PendingRecord::Command::setup) {
      journal_.foresee_restored(pending->changes);
    } else {
      journal_.foresee(pending->changes);
    }
    if (!pending->put_back.empty()) {
      run.notes.emplace_back(
          "what recovery brings back is not taken into account where steps depend on it");
    }
    return {};
  }

  // The same for set-ups whose command went while errands were run for them. One that is at work
  // for the container itself is waited for.
  Result<void> look_past_errands(DryRun& run) {
    for (const auto& record : TRY(journal_.errands())) {
      if (TRY(journal_.are_errands_run(record.container))) {
        if (record.netns == run.netns) {
          run.notes.emplace_back(
              "a command that is at work for the container is waited for, which is not foreseen");
        }
        continue;
      }
      const auto snapshot =
          foresee(TRY(observe_for_teardown(record.container, record.networks, handles_, journal_)),
                  SetupRequest{.container = record.container,
                               .container_name = {},
                               .attachments = {},
                               .ports = {},
                               .dns_servers = {}},
                  gone_);
      const auto ending = plan_teardown(record.networks, snapshot);
      append(run.retried, ending.errands);
      append(run.retried, ending.steps);
      append(run.retried, invert(record.besides));
      look_past(ending);
      gone_.add(invert(record.besides));
      if (record.netns != run.netns) continue;
      for (const auto& attachment : snapshot.attachments) {
        if (std::ranges::find(record.networks, attachment.network) != record.networks.end()) {
          look_past(attachment);
        }
      }
    }
    return {};
  }

  // The same for what the command itself ends first.
  void look_past(const Plan& plan) {
    gone_.add(plan.steps);
    journal_.foresee(plan.changes);
  }
  // What the record's attachment has inside the container.
  void look_past(const AttachmentRecord& record) {
    gone_.add_inside(record.steps);
    gone_.links.push_back(record.interface);
  }

  Result<Snapshot> for_setup(const SetupRequest& request, const DnsDaemon& dns) {
    return foresee(TRY(observe_for_setup(request, handles_, journal_, dns)), request, gone_);
  }
  // `request` is what was asked for, as far as it could be read.
  Result<Snapshot> for_teardown(const SetupRequest& request,
                                const std::vector<NetworkName>& networks) {
    return foresee(TRY(observe_for_teardown(request.container, networks, handles_, journal_)),
                   request, gone_);
  }
  Result<Snapshot> for_foreign_teardown(const SetupRequest& request, const DnsDaemon& dns) {
    return foresee(TRY(observe_for_foreign_teardown(request, handles_, journal_, dns)), request,
                   gone_);
  }

  // Whether others have what the plan is to put into the firewall.
  Result<void> check(const Plan& plan) {
    std::vector<firewall::Element> ended;
    for (const auto& step : gone_.steps) {
      const auto* change = std::get_if<ChangeFirewall>(&step);
      if (change != nullptr) std::ranges::copy(change->remove, std::back_inserter(ended));
    }
    return check_firewall(plan, std::move(ended), handles_);
  }

  [[nodiscard]] const Journal& journal() const { return journal_; }

 private:
  View(Journal journal, Handles handles)
      : handles_(std::move(handles)), journal_(std::move(journal)) {}

  Departure gone_;
  Handles handles_;
  Journal journal_;  // last, so that commands need not wait while the rest is closed
};

// As they are carried out: errands after the others in a set-up, before them in a teardown.
Steps set_up_in_order(const Plan& plan) {
  auto steps = plan.steps;
  append(steps, plan.errands);
  return steps;
}

Steps torn_down_in_order(const Plan& plan) {
  auto steps = plan.errands;
  append(steps, plan.steps);
  return steps;
}

void note_leases(const Plan& plan, DryRun& run) {
  for (const auto& step : plan.errands) {
    if (const auto* acquire = std::get_if<AcquireLease>(&step)) {
      run.notes.push_back(
          fmt::format("the addresses on network \"{}\" are for its DHCP server to say",
                      acquire->request.network));
    }
  }
}

void note_plugins(const SetupRequest& request, const std::map<std::string, std::string>& plugins,
                  DryRun& run) {
  for (const auto& asked : request.attachments) {
    if (!plugins.contains(asked.network.driver)) continue;
    run.notes.push_back(
        fmt::format("what the plugin \"{}\" does for network \"{}\", and its answer, is its own",
                    asked.network.driver, asked.network.name));
  }
}

// Ends what is on record of the container, as a set-up does that replaces it.
Result<void> replace(const SetupRequest& request, const Settings& settings, const DnsDaemon& dns,
                     View& view, DryRun& run) {
  const auto replacement =
      plan_replacement(request, TRY(view.for_setup(request, dns)), settings.netns);
  if (replacement.ended.empty()) return {};
  // What could not be planned without the old attachments leaves them alone.
  TRY(plan_setup(request, replacement.without, settings));
  const auto ending =
      plan_teardown(replacement.ended, TRY(view.for_teardown(request, replacement.ended)));
  run.replaced = torn_down_in_order(ending);
  view.look_past(ending);
  for (const auto& record : replacement.records) {
    if (record.netns == settings.netns) view.look_past(record);
  }
  return {};
}

// The container's own port, the last one, goes with it.
Snapshot without_last_ports(Snapshot snapshot) {
  for (auto& [name, network] : snapshot.networks) {
    if (network.bridge && network.bridge->ports.size() <= 1) network.bridge->ports.clear();
  }
  return snapshot;
}

// The end of what has no record, as far as it can be foreseen from what stands now.
Result<void> end_foreign(const SetupRequest& rest, const Surroundings& known, View& view,
                         DryRun& run) {
  const auto plugins = find_plugins(rest, known.plugins);
  const auto plan = plan_foreign_teardown(rest, TRY(view.for_foreign_teardown(rest, known.dns)),
                                          {.netns = run.netns, .plugins = plugins});
  if (plan.steps.empty() && plan.errands.empty()) return {};  // no trace
  view.look_past(plan);
  append(run.steps, torn_down_in_order(plan));
  note_plugins(rest, plugins, run);
  const auto unused = plan_unused_networks(
      rest, without_last_ports(TRY(view.for_foreign_teardown(rest, known.dns))));
  view.look_past(unused);
  append(run.steps, unused.steps);
  // A network of ours may lose its last attachment in this way: one whose record was damaged.
  const auto names = network_names(rest);
  const auto ours = plan_teardown(names, without_last_ports(TRY(view.for_teardown(rest, names))));
  view.look_past(ours);
  append(run.steps, ours.steps);
  return {};
}

}  // namespace

Result<DryRun> foresee_setup(host::NetNs netns, const fs::path& path, std::string_view request_text,
                             const Surroundings& surroundings) {
  auto request = decode_setup_request(request_text);
  if (!request) {
    return with_context(std::move(request).error(), "failed to load network options");
  }
  auto view = TRY(View::open(surroundings, TRY(ContainerHandle::open(std::move(netns)))));
  DryRun run{.command = PendingRecord::Command::setup, .netns = path.native()};
  TRY_VOID(view.look_past_recovery(run));
  TRY_VOID(view.look_past_errands(run));
  auto dns = surroundings.dns;
  dns.port = TRY(choose_dns_port(*request, dns, surroundings.firewall, view.journal()));
  const Settings settings{.firewall = surroundings.firewall,
                          .dns_port = *dns.port,
                          .publishing = surroundings.publishing,
                          .other_firewalls = surroundings.other_firewalls,
                          .netns = path.native(),
                          .plugins = find_plugins(*request, surroundings.plugins)};
  TRY_VOID(replace(*request, settings, dns, view, run));
  auto planned = TRY(plan_setup(*request, TRY(view.for_setup(*request, dns)), settings));
  TRY_VOID(view.check(planned.plan));
  run.answer = answer_text(*request, planned.statuses, {});
  run.steps = set_up_in_order(planned.plan);
  note_leases(planned.plan, run);
  std::ranges::move(planned.warnings, std::back_inserter(run.notes));
  note_plugins(*request, settings.plugins, run);
  return run;
}

Result<DryRun> foresee_teardown(const fs::path& netns, const Result<std::string>& request_text,
                                const Surroundings& surroundings) {
  auto view = TRY(View::open(surroundings, open_container(netns)));
  DryRun run{.command = PendingRecord::Command::teardown, .netns = netns.native()};
  TRY_VOID(view.look_past_recovery(run));
  TRY_VOID(view.look_past_errands(run));
  for (const auto& leaving : TRY(who_leaves(netns.native(), request_text, view.journal()))) {
    const auto& request = leaving.asked.request;
    const auto snapshot = TRY(view.for_teardown(request, leaving.networks));
    const auto plan = plan_teardown(leaving.networks, snapshot);
    append(run.steps, torn_down_in_order(plan));
    for (const auto& error : leaving.asked.errors) {
      run.notes.push_back(with_context(error, "failed to load network options").value().message);
    }
    const auto rest = TRY(without_records(request, snapshot, netns.native(), view.journal()));
    view.look_past(plan);
    if (!rest.attachments.empty()) TRY_VOID(end_foreign(rest, surroundings, view, run));
  }
  return run;
}

}  // namespace burrow::netstack
