#include "netstack/plan_limits.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "netstack/dns_lists.h"

namespace burrow::netstack {
namespace {

using Kinds = std::set<firewall::LimitKind>;

/// Limits as somebody wants them from now on: of the kinds named, and of no other.
struct Wanted {
  Kinds kinds;
  firewall::Limits limits;
};

Result<Wanted> read_changes(const LimitChanges& changes) {
  Wanted wanted;
  Strings words;
  for (const auto& [key, word] : changes) {
    const auto* limit = std::ranges::find(kLimitWords, key, &LimitWord::key);
    if (limit == kLimitWords.end()) {
      return fail(Errc::invalid_input, "\"{}\" is no limit", key.substr(0, 64));
    }
    wanted.kinds.insert(limit->kind);
    if (!word.empty()) words[key] = word;
  }
  wanted.limits = TRY(read_limits(words));
  return wanted;
}

bool is_replaced(const firewall::Element& element, const Kinds& kinds) {
  if (firewall::is_gate(element.set)) return true;
  const auto kind = firewall::limit_kind(element.set);
  return kind && kinds.contains(*kind);
}

bool says_nothing(const Step& step) {
  const auto* change = std::get_if<ChangeFirewall>(&step);
  return change != nullptr && *change == ChangeFirewall{};
}

// Puts `wanted` into the steps of a record in the place of its elements of these kinds, and of the
// gate what all its limits need then. Returns what that changes, and no more: taken back, it leaves
// what stood before.
ChangeFirewall replace_elements(Steps& steps, const Kinds& kinds,
                                std::vector<firewall::Element> wanted) {
  std::vector<firewall::Element> before;
  for (auto& step : steps) {
    auto* recorded = std::get_if<ChangeFirewall>(&step);
    if (recorded == nullptr) continue;
    const auto leaving = std::ranges::stable_partition(
        recorded->add,
        [&](const firewall::Element& element) { return !is_replaced(element, kinds); });
    std::ranges::move(leaving, std::back_inserter(before));
    recorded->add.erase(leaving.begin(), leaving.end());
  }
  // What `wanted` has of the gate is its part of it.
  auto gate = firewall::gate_for(elements_of(steps));
  std::ranges::move(gate, std::back_inserter(wanted));
  std::ranges::sort(wanted);
  wanted.erase(std::ranges::unique(wanted).begin(), wanted.end());
  std::erase_if(steps, says_nothing);
  std::ranges::sort(before);
  ChangeFirewall change;
  std::ranges::set_difference(before, wanted, std::back_inserter(change.remove));
  std::ranges::set_difference(wanted, before, std::back_inserter(change.add));
  if (!wanted.empty()) steps.emplace_back(ChangeFirewall{.add = std::move(wanted)});
  return change;
}

// What the network needs for limits that hold between its containers: its bridge's packets meet the
// firewall from now on, and answers to ::1 do not pass that way any more.
void plan_bridged_packets(const NetworkRecord& network, const BridgedNow& bridged, Plan& plan) {
  using enum firewall::SetName;
  if (network.leads_bridged_packets() ||
      bridged.packets == host::BridgedPackets::through_firewall) {
    return;
  }
  auto after = network;
  const LeadBridgedPackets lead{network.bridge};
  after.steps.emplace_back(lead);
  if (bridged.netfilter) {
    ChangeFirewall change;
    for (auto& step : after.steps) {
      auto* recorded = std::get_if<ChangeFirewall>(&step);
      if (recorded == nullptr) continue;
      std::ranges::copy_if(
          recorded->add, std::back_inserter(change.remove),
          [](const firewall::Element& element) { return element.set == loopback6; });
      std::erase_if(recorded->add,
                    [](const firewall::Element& element) { return element.set == loopback6; });
    }
    if (change != ChangeFirewall{}) plan.steps.emplace_back(std::move(change));
  }
  plan.steps.emplace_back(lead);
  plan.steps = merge(std::move(plan.steps));
  plan.changes.push_back({network_record_path(network.network), encode(network), encode(after)});
}

void add_change(Plan& plan, RecordChange record) {
  if (record.before != record.after) plan.changes.push_back(std::move(record));
}

AddDnsEntry* find_dns_entry(Steps& steps) {
  for (auto& step : steps) {
    if (auto* entry = std::get_if<AddDnsEntry>(&step)) return entry;
  }
  return nullptr;
}

Failure no_dns(const NetworkName& network) {
  return fail(
      Errc::unsupported,
      "network \"{}\": names in lists need its DNS, by which their addresses are known, and "
      "it has none",
      network);
}

// The daemon is told last: what it opens then is asked about already.
void add_dns_change(Plan& plan, const AddDnsEntry& before, const AddDnsEntry& after) {
  if (before.header == after.header && before.entry == after.entry) return;
  plan.steps.emplace_back(ReplaceDnsEntry{.file = before.file,
                                          .container = before.container,
                                          .header = after.header,
                                          .entry = after.entry,
                                          .header_before = before.header,
                                          .entry_before = before.entry});
  plan.steps.emplace_back(ServeDns{});
}

firewall::LimitedContainer limited(const ContainerId& container, std::string_view name,
                                   const BridgeAttachment& attachment) {
  firewall::LimitedContainer limited{.container = container,
                                     .container_name = std::string{name},
                                     .network = attachment.request->network.name,
                                     .addresses = {}};
  for (const auto& entry : attachment.addressing.addresses) {
    limited.addresses.push_back(entry.address.address);
  }
  return limited;
}

Result<void> check_guarded(const NetworkRecord& network) {
  const bool is_guarded = std::ranges::any_of(
      elements_of(network.steps),
      [](const firewall::Element& element) { return element.set == firewall::SetName::bridges; });
  if (is_guarded) return {};
  return fail(Errc::unsupported, "network \"{}\" has no limits: nftables does not guard its bridge",
              network.network);
}

}  // namespace

firewall::Limits container_limits(const BridgeAttachment& attachment) {
  return limits_of_container(attachment.options.own_limits, attachment.options.limits);
}

std::vector<IpAddress> limited_addresses(const AttachmentRecord& record) {
  std::vector<IpAddress> addresses;
  for (const auto& step : record.steps) {
    const auto* add = std::get_if<AddAddress>(&step);
    if (add != nullptr && add->place == Place::container && add->link == record.interface) {
      addresses.push_back(add->address.address);
    }
  }
  return addresses;
}

std::string lacks_bridge_netfilter(const NetworkName& network) {
  return fmt::format(
      "network \"{}\": limits do not hold between its own containers until br_netfilter is loaded "
      "(modprobe br_netfilter); they hold towards everybody else",
      network);
}

Result<void> check_limits(const BridgeAttachment& attachment, FirewallDriver firewall) {
  const auto& asked = *attachment.request;
  const auto check = [&](std::string_view reason) -> Result<void> {
    for (const auto* options : {&asked.options, &asked.network.options}) {
      if (auto checked = check_unlimited(*options, reason); !checked) {
        return with_context(std::move(checked).error(),
                            fmt::format("network \"{}\"", asked.network.name));
      }
    }
    return {};
  };
  if (!attachment.is_managed()) return check("the bridge is unmanaged");
  if (firewall != FirewallDriver::nftables) return check("the firewall driver is not nftables");
  if (attachment.addressing.addresses.empty() && !container_limits(attachment).empty()) {
    return fail(Errc::invalid_input,
                "network \"{}\": limits need an address of the container, and it has none there",
                asked.network.name);
  }
  return {};
}

Result<void> keep_changed_lists(const std::optional<NetworkRecord>& record,
                                BridgeAttachment& attachment) {
  if (!record || record->limits.empty()) return {};
  Strings words = attachment.request->network.options;
  for (const auto& [key, word] : record->limits) {
    if (word.empty()) {
      words.erase(key);
    } else {
      words[key] = word;
    }
  }
  auto limits = read_limits(words);
  if (!limits) return with_context(std::move(limits).error(), "record of the network");
  attachment.options.limits = *std::move(limits);
  return {};
}

std::vector<firewall::Element> limit_elements(const ContainerId& container, std::string_view name,
                                              const BridgeAttachment& attachment) {
  return firewall::compile(limited(container, name, attachment), container_limits(attachment));
}

Result<void> check_listed_names(const BridgeAttachment& attachment, const Snapshot& snapshot) {
  const auto& options = attachment.options;
  if (!options.limits.egress.has_names() && !options.own_limits.egress.has_names()) return {};
  const auto& network = attachment.request->network;
  if (network.has_dns && snapshot.has_dns_daemon) return {};
  return no_dns(network.name);
}

std::vector<std::string> name_lines(const ContainerId& container, std::string_view name,
                                    const BridgeAttachment& attachment) {
  return name_list_lines(limited(container, name, attachment),
                         attachment.options.own_limits.egress);
}

std::vector<std::string> network_name_lines(const BridgeAttachment& attachment) {
  return name_list_lines(attachment.request->network.name, attachment.bridge,
                         attachment.options.limits.egress);
}

Result<Plan> plan_limits(const AttachmentRecord& record, const NetworkRecord& network,
                         const BridgedNow& bridged, const LimitChanges& changes) {
  TRY_VOID(check_guarded(network));
  const auto wanted = TRY(read_changes(changes));
  firewall::LimitedContainer limited{.container = record.container,
                                     .container_name = record.container_name,
                                     .network = record.network,
                                     .addresses = limited_addresses(record)};
  if (limited.addresses.empty()) {
    return fail(Errc::unsupported,
                "limits need an address of the container, and it has none on network \"{}\"",
                record.network);
  }
  auto after = record;
  auto* entry = find_dns_entry(after.steps);
  if (entry == nullptr && wanted.limits.egress.has_names()) return no_dns(record.network);
  Plan names;
  auto elements = firewall::compile(limited, wanted.limits);
  if (entry != nullptr) {
    const auto before = *entry;
    entry->entry =
        with_name_lists(entry->entry, wanted.kinds, name_list_lines(limited, wanted.limits.egress));
    add_dns_change(names, before, *entry);
    if (has_name_list(entry->entry)) {
      std::ranges::move(firewall::gate_for(limited), std::back_inserter(elements));
    }
  }
  auto change = replace_elements(after.steps, wanted.kinds, std::move(elements));
  Plan plan;
  if (change != ChangeFirewall{}) plan.steps.emplace_back(std::move(change));
  std::ranges::move(names.steps, std::back_inserter(plan.steps));
  add_change(plan, {attachment_record_path(record.container, record.network), encode(record),
                    encode(after)});
  if (!wanted.limits.empty()) plan_bridged_packets(network, bridged, plan);
  return plan;
}

Result<Plan> plan_limits(const NetworkRecord& record,
                         const std::vector<AttachmentRecord>& attachments,
                         const LimitChanges& changes) {
  TRY_VOID(check_guarded(record));
  const auto wanted = TRY(read_changes(changes));
  for (const auto kind : {firewall::LimitKind::connection_rate, firewall::LimitKind::connections,
                          firewall::LimitKind::packet_rate}) {
    if (!wanted.kinds.contains(kind)) continue;
    return fail(Errc::invalid_input, "{} is each container's: name the container whose it is to be",
                to_string(kind));
  }
  auto after = record;
  for (const auto& [key, word] : changes) after.limits[key] = word;
  auto elements = firewall::compile(record.network, record.bridge, wanted.limits);
  const auto lines = name_list_lines(record.network, record.bridge, wanted.limits.egress);
  // Each attachment's record has the network's lines, since each can be the one that brings the
  // file back; the file is written once.
  Plan names;
  bool has_dns = false;
  bool has_names = false;
  for (const auto& attachment : attachments) {
    auto later = attachment;
    auto* entry = find_dns_entry(later.steps);
    if (entry == nullptr) continue;
    const auto before = *entry;
    entry->header = with_name_lists(entry->header, wanted.kinds, lines);
    if (!has_dns) add_dns_change(names, before, *entry);
    has_dns = true;
    has_names |= has_name_list(entry->header);
    add_change(names, {attachment_record_path(later.container, later.network), encode(attachment),
                       encode(later)});
  }
  if (!has_dns && !lines.empty()) return no_dns(record.network);
  if (has_names) elements.push_back(firewall::gate_for(record.network, record.bridge));
  auto change = replace_elements(after.steps, wanted.kinds, std::move(elements));
  Plan plan;
  if (change != ChangeFirewall{}) plan.steps.emplace_back(std::move(change));
  std::ranges::move(names.steps, std::back_inserter(plan.steps));
  add_change(plan, {network_record_path(record.network), encode(record), encode(after)});
  std::ranges::move(names.changes, std::back_inserter(plan.changes));
  return plan;
}

}  // namespace burrow::netstack
