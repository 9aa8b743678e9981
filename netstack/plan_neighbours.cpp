#include "netstack/plan_neighbours.h"

#include <algorithm>
#include <iterator>

#include "netstack/plan_network.h"

namespace burrow::netstack {
namespace {

firewall::Accepts accepts_of(const BridgeAttachment& attachment, const Snapshot& snapshot,
                             const Settings& settings) {
  using Reach = firewall::Accepts::Reach;
  const auto& network = attachment.request->network;
  firewall::Accepts accepts{.network = network.name,
                            .bridge = attachment.bridge,
                            .has_ipv4 = attachment.has_family(Family::ipv4),
                            .has_ipv6 = attachment.has_family(Family::ipv6),
                            .reach = network.is_internal ? Reach::own_bridge : Reach::anywhere,
                            .dns_port = {}};
  if (serves_dns(attachment, snapshot)) accepts.dns_port = settings.dns_port;
  return accepts;
}

}  // namespace

std::optional<firewall::Accepts> recorded_accepts(const Steps& steps) {
  for (const auto& step : steps) {
    if (const auto* place = std::get_if<PlaceAccepts>(&step)) return place->accepts;
  }
  return std::nullopt;
}

std::vector<firewall::Accepts> recorded_accepts(std::span<const NetworkRecord> networks) {
  std::vector<firewall::Accepts> all;
  for (const auto& network : networks) {
    if (auto accepts = recorded_accepts(network.steps)) all.push_back(*std::move(accepts));
  }
  return all;
}

std::optional<std::string> losses_within(const firewall::Neighbourhood& there,
                                         const firewall::Accepts& accepts) {
  std::vector<std::string> names;
  for (const auto& chain : firewall::dropping_chains(there)) {
    const bool meets = !firewall::rules_for(accepts, chain.place.family, chain.hook).empty();
    if (chain.hook != firewall::ChainHook::forward || !meets) continue;
    if (chain.accepted.contains(accepts.bridge)) continue;
    names.push_back(fmt::format("\"{}\"", firewall::to_string(chain.place)));
  }
  if (names.empty()) return std::nullopt;
  return fmt::format(
      "network \"{}\": limits have packets between its own containers meet chain {} from now on, "
      "which drops what no rule there accepts: set BURROW_OTHER_FIREWALLS=accept, or accept "
      "iifname "
      "\"{}\" oifname \"{}\" there",
      accepts.network, fmt::join(names, " and chain "), accepts.bridge, accepts.bridge);
}

std::optional<std::string> losses_within(const BridgeAttachment& attachment,
                                         const Snapshot& snapshot, const Settings& settings,
                                         const Steps& missing) {
  const bool begins = std::ranges::any_of(
      missing, [](const Step& step) { return std::holds_alternative<LeadBridgedPackets>(step); });
  if (!begins || !snapshot.bridge_netfilter || !snapshot.neighbours) return std::nullopt;
  if (settings.other_firewalls == firewall::OtherFirewalls::accept) return std::nullopt;
  return losses_within(*snapshot.neighbours, accepts_of(attachment, snapshot, settings));
}

void plan_neighbours(const BridgeAttachment& attachment, const Snapshot& snapshot,
                     const Settings& settings, Steps& fresh, Steps& missing,
                     std::vector<std::string>& warnings) {
  const auto& name = attachment.request->network.name;
  const auto& record = snapshot.networks.at(name).record;
  const auto before = record ? recorded_accepts(record->steps) : std::nullopt;
  if (settings.other_firewalls == firewall::OtherFirewalls::leave) {
    if (before) fresh.emplace_back(PlaceAccepts{*before});
    return;
  }
  const auto& there = snapshot.neighbours;
  if (attachment.options.vrf) {
    if (there && !firewall::dropping_chains(*there).empty()) {
      warnings.push_back(fmt::format(
          "network \"{}\": chains of other firewalls that drop its packets are left alone: these "
          "come in by VRF \"{}\"",
          name, *attachment.options.vrf));
    }
    return;
  }
  const auto accepts = accepts_of(attachment, snapshot, settings);
  fresh.emplace_back(PlaceAccepts{accepts});
  if (there) {
    for (const auto& sentence : firewall::obstacles(*there, {&accepts, 1})) {
      warnings.push_back(fmt::format("network \"{}\": {}", name, sentence));
    }
  }
  if (before && *before != accepts) missing.emplace_back(RemoveAccepts{*before});
  // Also where nothing is to be done yet, if it is on no record: the watcher goes by that. And also
  // where nobody could look: the step looks again.
  if (before != accepts || !there || !firewall::plan_accepts(*there, {&accepts, 1}).empty()) {
    // A set-up that fails takes nothing from containers that run already.
    const auto occasion =
        before == accepts ? PlaceAccepts::Occasion::put_back : PlaceAccepts::Occasion::beginning;
    missing.emplace_back(PlaceAccepts{accepts, occasion});
  }
}

}  // namespace burrow::netstack
