#include "netstack/repair.h"

#include <algorithm>
#include <iterator>
#include <map>

#include "firewall/firewalld_change.h"
#include "firewall/neighbours.h"
#include "host/sysctl.h"
#include "netstack/dns_lists.h"
#include "netstack/ending.h"
#include "netstack/host_applier.h"
#include "netstack/observe.h"
#include "netstack/plan.h"
#include "netstack/plan_neighbours.h"
#include "netstack/session.h"

namespace burrow::netstack {
namespace {

Result<std::optional<LinkView>> look_at_link(const LinkName& name, host::RouteSocket& route) {
  const auto link = TRY(route.find_link(name));
  if (!link) return std::nullopt;
  auto addresses = TRY(route.addresses_of(link->index));
  LinkView view{.mac = link->mac,
                .is_up = link->is_up,
                .master = {},
                .bridged_packets = link->bridged_packets,
                .addresses = std::move(addresses)};
  if (link->master) view.master = TRY(route.get_link(*link->master)).name;
  return view;
}

Result<NetworkView> look_at(NetworkRecord record, host::RouteSocket& route) {
  NetworkView view{.record = std::move(record), .bridge = {}, .settings = {}};
  view.bridge = TRY(look_at_link(view.record.bridge, route));
  for (const auto& step : view.record.steps) {
    const auto* set = std::get_if<SetSysctl>(&step);
    if (set == nullptr || set->place != Place::host) continue;
    if (auto value = host::read_sysctl(set->key)) view.settings[set->key] = *std::move(value);
  }
  return view;
}

const AddDnsEntry* dns_entry_of(const AttachmentRecord& record) {
  for (const auto& step : record.steps) {
    if (const auto* add = std::get_if<AddDnsEntry>(&step)) return add;
  }
  return nullptr;
}

Result<AttachmentView> look_at(AttachmentRecord record, host::RouteSocket& route,
                               const DnsDaemon& dns) {
  AttachmentView view{.record = std::move(record)};
  if (const auto link = view.record.host_link()) {
    view.host_link = TRY(look_at_link(link->name, route));
  }
  if (const auto* add = dns_entry_of(view.record)) {
    auto own = *add;
    own.header.clear();  // the network's: compare_network_lists
    view.has_dns_entry = dns.has_entry(add->file, add->container) && dns.has_name_lists(own);
  }
  auto netns = host::NetNs::open(view.record.netns);
  if (!netns) return view;
  auto container = TRY(ContainerHandle::open(*std::move(netns)));
  view.has_netns = true;
  view.inside = TRY(look_at_link(view.record.interface, container.route));
  return view;
}

bool has_same_name_lists(std::string_view a, std::string_view b) {
  auto lists_a = name_lists_in(a);
  auto lists_b = name_lists_in(b);
  std::ranges::sort(lists_a);
  std::ranges::sort(lists_b);
  return lists_a == lists_b;
}

// Attachments of one network that were set up from different definitions of it have different lists
// of the network on record, of which the file has those of one. With the lists of none, all their
// entries have to be written again.
void compare_network_lists(std::vector<AttachmentView>& attachments, const DnsDaemon& dns) {
  struct File {
    std::optional<std::string> header;
    bool has_lists_of_one = false;
  };
  std::map<std::string, File> files;
  for (const auto& attachment : attachments) {
    const auto* entry = dns_entry_of(attachment.record);
    if (entry == nullptr) continue;
    const auto [at, is_new] = files.try_emplace(entry->file);
    auto& file = at->second;
    if (is_new) file.header = dns.header(entry->file);
    file.has_lists_of_one |= file.header && has_same_name_lists(*file.header, entry->header);
  }
  for (auto& attachment : attachments) {
    const auto* entry = dns_entry_of(attachment.record);
    if (entry != nullptr && !files[entry->file].has_lists_of_one) attachment.has_dns_entry = false;
  }
}

bool is_in_firewalld(const Steps& steps) { return !firewalld_elements_of(steps).empty(); }

// Nothing where no record has entries there.
Result<std::optional<FirewalldView>> observe_firewalld_for_repair(const RepairView& view,
                                                                  FirewalldAccess& access) {
  std::vector<LinkName> bridges;
  for (const auto& network : view.networks) {
    if (is_in_firewalld(network.record.steps)) bridges.push_back(network.record.bridge);
  }
  if (bridges.empty()) return std::nullopt;
  const auto firewalld = access.require();
  if (!firewalld && firewalld.error().code == Errc::unsupported) return FirewalldView{};
  auto contents = TRY(firewall::read_contents(*TRY(firewalld), bridges));
  return FirewalldView{.is_running = true,
                       .unread = std::move(contents.unread),
                       .standing = std::move(contents.standing)};
}

Result<RepairView> observe_for_repair(Handles& handles, const Journal& journal,
                                      const DnsDaemon& dns) {
  RepairView view;
  if (handles.nftables) {
    view.table = TRY(handles.nftables->observe());
    if (firewall::keeps_elements(*view.table)) {
      view.standing = TRY(handles.nftables->elements());
    }
  }
  for (auto& record : TRY(journal.all_networks())) {
    view.networks.push_back(TRY(look_at(std::move(record), handles.route)));
  }
  for (auto& record : TRY(journal.all_attachments())) {
    view.attachments.push_back(TRY(look_at(std::move(record), handles.route, dns)));
  }
  compare_network_lists(view.attachments, dns);
  view.firewalld = TRY(observe_firewalld_for_repair(view, handles.firewalld));
  if (std::ranges::any_of(view.networks, [](const NetworkView& network) {
        return recorded_accepts(network.record.steps).has_value();
      })) {
    view.neighbours = TRY(firewall::look_at_neighbours());
  }
  return view;
}

// What is there already is as wanted.
void execute_missing(const Steps& steps, HostApplier& applier, std::vector<Error>& errors) {
  for (const auto& step : steps) {
    auto done = applier.apply(step);
    if (!done && done.error().code != Errc::already_exists) {
      errors.push_back(std::move(done).error());
    }
  }
}

class Repair {
 public:
  explicit Repair(Session& session) : session_(session) {}

  Result<RepairPlan> compare() {
    return plan_repair(TRY(
        observe_for_repair(session_.handles(), session_.journal(), session_.surroundings().dns)));
  }

  // Dead containers first: what they had is no longer looked for, and their networks may go.
  void bury(const RepairPlan& found) {
    for (const auto& [container, networks] : found.ended) {
      const auto plan = [this, &who = container, &left = networks]() -> Result<Plan> {
        return plan_teardown(
            left, TRY(observe_for_teardown(who, left, session_.handles(), session_.journal())));
      };
      std::ranges::move(end_attachments(container, plan, session_, ""),
                        std::back_inserter(errors_));
    }
  }

  void mend(const RepairPlan& plan) {
    HostApplier host{session_.handles(), session_.surroundings().dns,
                     session_.surroundings().plugins};
    execute_missing(plan.host, host, errors_);
    for (const auto& container : plan.containers) mend_inside(container);
    restore(plan, host);
    if (!plan.firewalld.restore.empty()) execute_missing({plan.firewalld}, host, errors_);
    execute_missing(plan.neighbours, host, errors_);
    if (plan.serves_dns) execute_missing({ServeDns{}}, host, errors_);
  }

  [[nodiscard]] const std::vector<Error>& errors() const { return errors_; }

 private:
  void mend_inside(const ContainerRepair& repair) {
    auto handles = open_handles(session_.surroundings());
    auto netns = host::NetNs::open(repair.netns);
    if (!handles || !netns) {
      errors_.push_back(!handles ? handles.error() : netns.error());
      return;
    }
    auto container = ContainerHandle::open(*std::move(netns));
    if (!container) {
      errors_.push_back(std::move(container).error());
      return;
    }
    handles->container = *std::move(container);
    HostApplier applier{*handles, session_.surroundings().dns, session_.surroundings().plugins};
    execute_missing(repair.steps, applier, errors_);
    if (auto kept = applier.keep_leases(); !kept) errors_.push_back(std::move(kept).error());
  }

  // All in one transaction; where somebody else holds an element by now, one record at a time.
  void restore(const RepairPlan& plan, HostApplier& host) {
    ChangeFirewall change{.table = plan.table};
    for (const auto& elements : plan.elements) {
      change.restore.insert(change.restore.end(), elements.begin(), elements.end());
    }
    if (change.table == TableChange::keep && change.restore.empty()) return;
    auto done = host.apply(change);
    if (done) return;
    if (done.error().code != Errc::already_exists) {
      errors_.push_back(std::move(done).error());
      return;
    }
    Steps single{ChangeFirewall{.table = plan.table}};
    for (const auto& elements : plan.elements) {
      single.emplace_back(ChangeFirewall{.restore = elements});
    }
    for (const auto& step : single) {
      if (auto one = host.apply(step); !one) errors_.push_back(std::move(one).error());
    }
  }

  Session& session_;
  std::vector<Error> errors_;
};

Result<RepairReport> look(const Surroundings& surroundings) {
  auto handles = TRY(open_handles(surroundings));
  auto journal = TRY(Journal::look(surroundings.run_directory));
  RepairReport report;
  if (const auto pending = TRY(journal.pending())) {
    const bool is_setup = pending->command == PendingRecord::Command::setup;
    report.entries.push_back({{.where = "journal",
                               .what = "a command was cut short",
                               .remedy = is_setup ? "take its set-up back" : "finish its teardown",
                               .advice = {}}});
    is_setup ? journal.foresee_restored(pending->changes) : journal.foresee(pending->changes);
  }
  const auto view = TRY(observe_for_repair(handles, journal, surroundings.dns));
  for (auto& difference : plan_repair(view).differences) {
    const auto fate = difference.remedy ? Fate::foreseen : Fate::left;
    report.entries.push_back({std::move(difference), fate});
  }
  return report;
}

std::string_view to_string(Fate fate) {
  switch (fate) {
    case Fate::mended:
      return "mended";
    case Fate::left:
      return "left";
    case Fate::foreseen:
      return "would be mended";
  }
  return "?";
}

// Names in records are an engine's: nothing of them may reach a terminal as a command to it.
std::string printable(std::string text) {
  std::ranges::replace_if(
      text, [](unsigned char c) { return c < ' ' || c == 0x7f; }, '?');
  return text;
}

}  // namespace

bool RepairReport::is_well() const {
  return errors.empty() && std::ranges::all_of(entries, [](const Entry& entry) {
           return entry.fate == Fate::mended;
         });
}

Result<RepairReport> repair(const Surroundings& surroundings, RepairMode mode) {
  if (mode == RepairMode::look_only) return look(surroundings);
  RepairReport report;
  std::error_code ignored;
  if (!std::filesystem::exists(surroundings.run_directory / "burrow", ignored)) return report;
  auto session = TRY(Session::open(surroundings));
  TRY_VOID(session.recover());
  Repair repair{session};
  auto found = TRY(repair.compare());
  auto plan = found;
  if (!found.ended.empty()) {
    repair.bury(found);
    plan = TRY(repair.compare());
  }
  repair.mend(plan);
  const auto rest = TRY(repair.compare()).differences;
  // What only showed when other things had been mended counts as well.
  for (const auto& difference : plan.differences) {
    if (std::ranges::find(found.differences, difference) == found.differences.end()) {
      found.differences.push_back(difference);
    }
  }
  for (auto& difference : found.differences) {
    const bool is_left = std::ranges::find(rest, difference) != rest.end();
    report.entries.push_back({std::move(difference), is_left ? Fate::left : Fate::mended});
  }
  for (const auto& error : repair.errors()) report.errors.push_back(error.message);
  return report;
}

std::string to_text(const RepairReport& report) {
  if (report.entries.empty() && report.errors.empty()) {
    return "all is well: the host is as the journal says\n";
  }
  size_t where = 0;
  size_t what = 0;
  for (const auto& entry : report.entries) {
    where = std::max(where, entry.difference.where.size());
    what = std::max(what, entry.difference.what.size());
  }
  constexpr size_t kWidestColumn = 72;
  what = std::min(what, kWidestColumn);
  std::string text;
  for (const auto& entry : report.entries) {
    const auto& difference = entry.difference;
    text += fmt::format("{:<{}}  {:<{}}  {}: {}\n", printable(difference.where), where,
                        printable(difference.what), what, to_string(entry.fate),
                        difference.remedy.value_or(difference.advice));
  }
  for (const auto& error : report.errors) text += fmt::format("error: {}\n", printable(error));
  const auto left = std::ranges::count_if(
      report.entries, [](const auto& entry) { return entry.fate != Fate::mended; });
  return text + (report.is_well() ? "\nall is well by now\n"
                                  : fmt::format("\n{} of {} differences are left\n", left,
                                                report.entries.size()));
}

Json encode(const RepairReport& report) {
  Json list = Json::array();
  for (const auto& entry : report.entries) {
    Json one{{"where", entry.difference.where},
             {"what", entry.difference.what},
             {"fate", entry.fate == Fate::foreseen ? "foreseen" : to_string(entry.fate)}};
    if (entry.difference.remedy) {
      one["remedy"] = *entry.difference.remedy;
    } else {
      one["advice"] = entry.difference.advice;
    }
    list.push_back(std::move(one));
  }
  return {{"well", report.is_well()}, {"differences", std::move(list)}, {"errors", report.errors}};
}

}  // namespace burrow::netstack
