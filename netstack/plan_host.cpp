#include "netstack/plan_host.h"

#include <algorithm>
#include <set>

#include "netstack/plan_reload.h"

namespace burrow::netstack {
namespace {

// Bridges of internal networks that stand already, but are on no record yet.
void add_adopted_internal(const std::vector<BridgeAttachment>& attachments,
                          const Snapshot& snapshot, std::vector<std::string>& stay_off) {
  for (const auto& one : attachments) {
    const auto& network = one.request->network;
    if (!one.is_managed() || !network.is_internal) continue;
    if (!snapshot.networks.at(network.name).bridge) continue;
    auto key = forwarding_key(one.bridge);
    if (std::ranges::find(stay_off, key) == stay_off.end()) stay_off.push_back(std::move(key));
  }
}

// What a lost table gets back: all recorded elements but those of the networks that this request
// plans anyway.
std::vector<firewall::Element> restored(const std::vector<BridgeAttachment>& attachments,
                                        const Snapshot& snapshot) {
  std::set<firewall::Element> planned;
  for (const auto& attachment : attachments) {
    const auto& network = snapshot.networks.at(attachment.request->network.name);
    if (!network.record) continue;
    for (const auto& element : elements_of(network.record->steps)) planned.insert(element);
  }
  std::vector<firewall::Element> result;
  for (const auto& element : snapshot.recorded_elements) {
    if (!planned.contains(element)) result.push_back(element);
  }
  return result;
}

}  // namespace

PlanPart plan_host(const std::vector<BridgeAttachment>& attachments, const Snapshot& snapshot,
                   const Settings& settings) {
  PlanPart part;
  if (std::ranges::none_of(attachments, &BridgeAttachment::is_managed)) return part;
  Steps steps;
  Steps kept_off;
  if (settings.firewall == FirewallDriver::nftables &&
      snapshot.table != firewall::TableState::current) {
    steps.emplace_back(ChangeFirewall{.table = table_change_for(snapshot.table),
                                      .restore = restored(attachments, snapshot)});
  }
  const auto forward = [&](Family family, const char* key,
                           const std::optional<ForwardingSnapshot>& there) {
    const bool is_needed = std::ranges::any_of(attachments, [&](const BridgeAttachment& one) {
      return one.is_managed() && !one.request->network.is_internal && one.has_family(family);
    });
    if (is_needed && there && !there->is_on) {
      steps.emplace_back(SetSysctl{Place::host, key, "1", "0", there->along});
      // The switch is that of all links: bridges of internal networks go back to where they were.
      auto stay_off = there->stay_off;
      if (family == Family::ipv4) add_adopted_internal(attachments, snapshot, stay_off);
      for (const auto& setting : stay_off) {
        kept_off.emplace_back(SetSysctl{Place::host, setting, "0", "1"});
      }
    }
  };
  forward(Family::ipv4, "net/ipv4/ip_forward", snapshot.forwarding4);
  forward(Family::ipv6, "net/ipv6/conf/all/forwarding", snapshot.forwarding6);
  HostRecord after{snapshot.host ? snapshot.host->steps : Steps{}};
  const auto remember = [&](const Step& step) {
    if (std::ranges::find(after.steps, step) == after.steps.end()) after.steps.push_back(step);
  };
  // Whoever uses the table has it on record, also where another run directory made it: the last
  // to leave removes it.
  if (settings.firewall == FirewallDriver::nftables) {
    remember(ChangeFirewall{.table = TableChange::create});
  }
  for (const auto& step : steps) {
    if (!is_firewall(step)) remember(step);
  }
  const bool is_unchanged =
      snapshot.host ? snapshot.host->steps == after.steps : after.steps.empty();
  if (!is_unchanged) {
    part.changes.push_back({host_record_path(),
                            snapshot.host ? std::optional{encode(*snapshot.host)} : std::nullopt,
                            encode(after)});
  }
  std::ranges::move(steps, std::back_inserter(part.steps));
  std::ranges::move(kept_off, std::back_inserter(part.steps));
  return part;
}

}  // namespace burrow::netstack
