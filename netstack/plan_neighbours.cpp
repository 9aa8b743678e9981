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
