#include <algorithm>

#include "core/log.h"
#include "firewall/close_named.h"
#include "firewall/neighbours.h"
#include "netstack/commands.h"
#include "netstack/dns_daemon.h"
#include "netstack/dns_lists.h"
#include "netstack/observe_links.h"
#include "netstack/plan_limits.h"
#include "netstack/plan_neighbours.h"
#include "netstack/plan_reload.h"
#include "netstack/session.h"

namespace burrow::netstack {
namespace {

constexpr size_t kShortId = 12;

bool is_meant(const AttachmentRecord& record, std::string_view container) {
  return record.container_name == container || record.container.str() == container ||
         (container.size() >= kShortId && record.container.str().starts_with(container));
}

// The record of the container that `container` says, by name or identifier.
Result<AttachmentRecord> find_attachment(const Journal& journal, const NetworkName& network,
                                         std::string_view container) {
  auto records = TRY(journal.all_attachments());
  std::erase_if(records, [&](const AttachmentRecord& record) {
    return record.network != network || !is_meant(record, container);
  });
  if (records.size() == 1) return std::move(records.front());
  if (records.empty()) {
    return fail(Errc::not_found, "no container \"{}\" runs on network \"{}\"",
                container.substr(0, 64), network);
  }
  return fail(Errc::invalid_input, "{} containers on network \"{}\" are called \"{}\"",
              records.size(), network, container.substr(0, 64));
}

Result<NetworkRecord> find_network(const Journal& journal, const NetworkName& name) {
  auto record = TRY(journal.network(name));
  if (record) return *std::move(record);
  return fail(Errc::not_found, "no container runs on network \"{}\"", name);
}

Result<BridgedNow> observe_bridged(const NetworkRecord& network, Session& session) {
  const auto link = TRY(session.handles().route.find_link(network.bridge));
  if (!link)
    return fail(Errc::not_found, "bridge \"{}\" is gone: repair makes it again", network.bridge);
  return BridgedNow{.packets = link->bridged_packets, .netfilter = observe_bridge_netfilter()};
}

// What packets between the network's containers are about to meet in chains of others. That these
// cannot be read is no obstacle.
void warn_of_losses(const AttachmentRecord& record, const NetworkRecord& network,
                    const BridgedNow& bridged, const Plan& plan) {
  const bool begins = std::ranges::any_of(plan.steps, [](const Step& step) {
    return std::holds_alternative<LeadBridgedPackets>(step);
  });
  if (!begins || !bridged.netfilter) return;
  const auto there = firewall::look_at_neighbours();
  if (!there) {
    log::warn("netstack", "chains of other firewalls cannot be read: {}", there.error().message);
    return;
  }
  firewall::Accepts accepts{.network = network.network,
                            .bridge = network.bridge,
                            .reach = firewall::Accepts::Reach::own_bridge,
                            .dns_port = {}};
  for (const auto& step : record.steps) {
    const auto* add = std::get_if<AddAddress>(&step);
    if (add == nullptr || add->place != Place::container) continue;
    (add->address.address.family() == Family::ipv4 ? accepts.has_ipv4 : accepts.has_ipv6) = true;
  }
  if (const auto losses = losses_within(*there, accepts)) log::warn("netstack", "{}", *losses);
}

struct LimitPlan {
  Plan plan;
  /// Whose limits they are, as the firewall knows them: addresses of a container, or a bridge.
  std::vector<firewall::Field> owners;
};

Result<LimitPlan> plan(Session& session, const NetworkName& name,
                       const std::optional<std::string>& container, const LimitChanges& changes) {
  const auto& journal = session.journal();
  if (!container) {
    const auto network = TRY(find_network(journal, name));
    auto attachments = TRY(journal.all_attachments());
    std::erase_if(attachments,
                  [&](const AttachmentRecord& record) { return record.network != name; });
    return LimitPlan{.plan = TRY(plan_limits(network, attachments, changes)),
                     .owners = {network.bridge}};
  }
  auto record = TRY(find_attachment(journal, name, *container));
  // Its leases may be on their way: what comes of them is on record afterwards.
  if (TRY(session.await_errands(record.container))) {
    record = TRY(find_attachment(journal, name, *container));
  }
  const auto network = TRY(find_network(journal, name));
  const auto bridged = TRY(observe_bridged(network, session));
  const bool sets_one =
      std::ranges::any_of(changes, [](const auto& change) { return !change.second.empty(); });
  if (sets_one && !bridged.netfilter) log::warn("netstack", "{}", lacks_bridge_netfilter(name));
  LimitPlan planned{.plan = TRY(plan_limits(record, network, bridged, changes)), .owners = {}};
  warn_of_losses(record, network, bridged, planned.plan);
  for (const auto& address : limited_addresses(record)) planned.owners.emplace_back(address);
  return planned;
}

// A table that lacks parts gets them back; one that is not there is not for us to fill.
Result<void> adapt_to_table(Session& session, Plan& plan) {
  auto& nftables = session.handles().nftables;
  if (!nftables) return fail(Errc::unsupported, "the kernel has no nftables");
  const auto table = TRY(nftables->observe());
  if (!firewall::keeps_elements(table)) {
    return fail(Errc::changed,
                "the firewall table is missing or another release's: firewall-reload puts it back");
  }
  for (auto& step : plan.steps) {
    if (auto* change = std::get_if<ChangeFirewall>(&step)) change->table = table_change_for(table);
  }
  return {};
}

bool changes_names(const Plan& plan) {
  return std::ranges::any_of(
      plan.steps, [](const Step& step) { return std::holds_alternative<ReplaceDnsEntry>(step); });
}

// Whether a list of `before` has names that it has no more.
bool has_lost_names(const std::vector<ListedNames>& before, const std::vector<ListedNames>& after) {
  return !std::ranges::all_of(before, [&](const ListedNames& list) {
    return std::ranges::any_of(after, [&](const ListedNames& now) {
      return now.owner == list.owner && now.kind == list.kind &&
             std::ranges::all_of(list.names, [&](const std::string& name) {
               return std::ranges::find(now.names, name) != now.names.end();
             });
    });
  });
}

// The daemon takes out what it knows to have opened. One that was started meanwhile knows nothing
// of what the one before it opened, which would stay for its time, up to a day: all of these owners
// goes, and what the daemon knows to be open of names that stay comes back.
Result<void> close_lost_names(const std::vector<firewall::Field>& owners, const DnsDaemon& dns) {
  auto closed = firewall::close_named(owners);
  renew_names(dns.directory);
  return closed;
}

}  // namespace

Result<void> limit(std::string_view network, const std::optional<std::string>& container,
                   const std::map<std::string, std::string>& changes,
                   const Surroundings& surroundings) {
  const auto name = TRY(NetworkName::parse(network));
  auto session = TRY(Session::open(surroundings));
  TRY_VOID(session.recover());
  auto [wanted, owners] = TRY(plan(session, name, container, changes));
  if (wanted.steps.empty() && wanted.changes.empty()) return {};
  TRY_VOID(adapt_to_table(session, wanted));
  const auto& directory = surroundings.dns.directory;
  if (!changes_names(wanted)) return session.carry_out(wanted);
  const auto before = names_in_lists(directory);
  TRY_VOID(session.carry_out(wanted));
  if (!has_lost_names(before, names_in_lists(directory))) return {};
  return close_lost_names(owners, surroundings.dns);
}

}  // namespace burrow::netstack
