#include "netstack/plan_network.h"

#include <algorithm>

#include "netstack/plan_firewalld.h"
#include "netstack/plan_limits.h"
#include "netstack/plan_neighbours.h"
#include "netstack/plan_zones.h"

namespace burrow::netstack {
namespace {

bool is_forwarding4(std::string_view key) {
  return key.starts_with("net/ipv4/") && key.ends_with("/forwarding");
}

// Whether what the network's bridge passes has to meet the firewall: since this container, or one
// that is there, has limits.
bool has_to_meet_firewall(const BridgeAttachment& attachment, const NetworkSnapshot& there) {
  return !container_limits(attachment).empty() ||
         (there.record && there.record->leads_bridged_packets());
}

// ::1 can be reached through bridges of our making, which take its answers in, unless bridged
// packets meet the firewall.
firewall::Loopback6 loopback6_of(const BridgeAttachment& attachment, const NetworkSnapshot& there,
                                 const Snapshot& snapshot) {
  const bool takes_answers =
      !there.bridge ||
      (there.record && std::ranges::any_of(there.record->steps, [](const Step& step) {
         return std::holds_alternative<AnswerLoopback>(step);
       }));
  const auto& netfilter = snapshot.bridge_netfilter;
  const bool is_filtered =
      netfilter && (netfilter->all_ipv6 || has_to_meet_firewall(attachment, there));
  return takes_answers && !is_filtered ? firewall::Loopback6::reachable
                                       : firewall::Loopback6::refused;
}

// For a bridge that somebody else made: our elements, and what we had to add before and now.
Steps adopted_steps(const Steps& fresh, const Steps& missing, const NetworkSnapshot& there) {
  Steps steps;
  for (const auto& step : fresh) {
    if (is_firewall(step)) steps.push_back(step);
  }
  const auto add = [&](const Steps& more) {
    for (const auto& step : more) {
      if (is_firewall(step)) continue;
      if (std::ranges::find(steps, step) == steps.end()) steps.push_back(step);
    }
  };
  if (there.record) add(there.record->steps);
  add(missing);
  // That an internal network's bridge does not forward is its own, also where it did not before:
  // it stays so when the host begins to.
  for (const auto& step : fresh) {
    const auto* set = std::get_if<SetSysctl>(&step);
    if (set == nullptr || set->value != "0" || !is_forwarding4(set->key)) continue;
    const auto has_key = [&](const Step& known) {
      const auto* other = std::get_if<SetSysctl>(&known);
      return other != nullptr && other->key == set->key;
    };
    if (std::ranges::none_of(steps, has_key)) {
      steps.emplace_back(SetSysctl{set->place, set->key, set->value, set->value});
    }
  }
  return steps;
}

// The zone of firewalld stands on the record in any case: firewalld may be started later.
void join_zone(const BridgeAttachment& attachment, const Snapshot& snapshot, Steps& fresh,
               Steps& missing, std::vector<std::string>& warnings) {
  const auto& network = attachment.request->network;
  const auto& there = snapshot.networks.at(network.name);
  fresh.emplace_back(zone_on_record(attachment.bridge, there, snapshot.firewalld));
  if (has_to_join(there, snapshot.firewalld)) missing.push_back(fresh.back());
  if (auto warning = zone_warning(network.name, attachment.bridge, there, snapshot.firewalld)) {
    warnings.push_back(*std::move(warning));
  }
}

// What one driver has set up the other knows nothing of.
Result<void> check_one_driver(const NetworkName& network, const NetworkSnapshot& there,
                              FirewallDriver wanted) {
  if (!there.record || wanted == FirewallDriver::none) return {};
  const auto& steps = there.record->steps;
  const bool is_nftables = wanted == FirewallDriver::nftables;
  const auto other = is_nftables ? firewalld_elements_of(steps) : elements_of(steps);
  if (other.empty()) return {};
  return fail(Errc::invalid_input,
              "network \"{}\" is kept by the firewall driver \"{}\" as long as containers are on "
              "it: it cannot have \"{}\" until they have been stopped",
              network, is_nftables ? "firewalld" : "nftables",
              is_nftables ? "nftables" : "firewalld");
}

Result<void> join_firewalld(const BridgeAttachment& attachment, const Snapshot& snapshot,
                            const Settings& settings, Steps& fresh, Steps& missing) {
  const auto& network = attachment.request->network;
  const auto& there = snapshot.networks.at(network.name);
  auto elements =
      firewall::compile(policy_of(attachment, serves_dns(attachment, snapshot), settings.dns_port));
  auto change = TRY(
      firewalld_network_change(network.name, elements, there.record, *snapshot.firewalld_driver));
  fresh.emplace_back(ChangeFirewalld{.add = std::move(elements)});
  if (change) missing.emplace_back(*std::move(change));
  return {};
}

}  // namespace

bool serves_dns(const BridgeAttachment& attachment, const Snapshot& snapshot) {
  return attachment.request->network.has_dns && snapshot.has_dns_daemon;
}

Result<PlanPart> plan_network(const BridgeAttachment& attachment, const Snapshot& snapshot,
                              const Settings& settings) {
  PlanPart part;
  const auto& network = attachment.request->network;
  const auto& there = snapshot.networks.at(network.name);
  // Not an error: an address may move between hosts, and come here later.
  for (const auto& address : there.absent_outbound) {
    part.warnings.push_back(
        fmt::format("network \"{}\": the outbound address {} is none of the host's: answers to "
                    "containers do not come back until it is",
                    network.name, address.to_string()));
  }
  TRY_VOID(check_one_driver(network.name, there, settings.firewall));
  std::vector<firewall::Element> elements;
  if (settings.firewall == FirewallDriver::nftables) {
    elements =
        firewall::compile(policy_of(attachment, serves_dns(attachment, snapshot), settings.dns_port,
                                    loopback6_of(attachment, there, snapshot)));
  }
  auto fresh = fresh_network_steps(attachment, std::move(elements));
  if (snapshot.has_systemd) fresh.insert(fresh.begin(), kept_settings(attachment, fresh));
  if (has_to_meet_firewall(attachment, there)) {
    fresh.emplace_back(LeadBridgedPackets{attachment.bridge});
  }
  if (!container_limits(attachment).empty() && !snapshot.bridge_netfilter) {
    part.warnings.push_back(lacks_bridge_netfilter(network.name));
  }
  auto missing = missing_network_steps(fresh, there);
  if (auto losses = losses_within(attachment, snapshot, settings, missing))
    part.warnings.push_back(*std::move(losses));
  if (settings.firewall == FirewallDriver::nftables)
    join_zone(attachment, snapshot, fresh, missing, part.warnings);
  if (settings.firewall == FirewallDriver::nftables)
    plan_neighbours(attachment, snapshot, settings, fresh, missing, part.warnings);
  if (snapshot.firewalld_driver)
    TRY_VOID(join_firewalld(attachment, snapshot, settings, fresh, missing));
  if (missing.empty() && there.record) return part;
  const bool is_ours = !there.bridge || (there.record && there.record->owns_bridge());
  NetworkRecord after{.network = network.name,
                      .bridge = attachment.bridge,
                      .limits = there.record ? there.record->limits : Strings{}};
  if (is_ours) {
    // With another firewall driver than before, what the record has of the firewall stays on it.
    if (settings.firewall == FirewallDriver::none && there.record) {
      std::ranges::copy_if(there.record->steps, std::back_inserter(after.steps), is_firewall);
    }
    std::ranges::move(fresh, std::back_inserter(after.steps));
  } else {
    after.steps = adopted_steps(fresh, missing, there);
  }
  part.changes.push_back({network_record_path(network.name),
                          there.record ? std::optional{encode(*there.record)} : std::nullopt,
                          encode(after)});
  part.steps = std::move(missing);
  return part;
}

}  // namespace burrow::netstack
