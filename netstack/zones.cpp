#include "netstack/zones.h"

#include <algorithm>

#include "core/log.h"
#include "firewall/firewalld.h"
#include "netstack/plan_zones.h"

namespace burrow::netstack {
namespace {

constexpr std::string_view kCutOff =
    "what firewalld does not let through its default zone is lost until firewalld-reload is run";

// Whether the network's packets pass our table, and so are meant to pass firewalld.
bool has_firewall(const NetworkRecord& network) {
  const auto elements = elements_of(network.steps);
  return std::ranges::find(elements, firewall::SetName::bridges, &firewall::Element::set) !=
         elements.end();
}

Result<FirewalldSnapshot> look(firewall::Firewalld& firewalld, PortsInFirewalld ports) {
  FirewalldSnapshot snapshot{.zone = firewall::zone_for_bridges(TRY(firewalld.zones()))};
  if (ports == PortsInFirewalld::unread) return snapshot;
  snapshot.forward_ports = TRY(firewalld.forward_ports_mode());
  if (snapshot.forward_ports == firewall::ForwardPorts::own_only) {
    snapshot.forwarded = TRY(firewalld.forward_ports());
  }
  return snapshot;
}

Result<bool> restore_zone(const NetworkRecord& network, const std::string& wanted,
                          firewall::Firewalld& firewalld) {
  const auto current = TRY(firewalld.zone_of(network.bridge));
  if (!firewall::has_to_move(current, recorded_zone(network.steps), wanted)) return false;
  TRY_VOID(firewalld.put_into(wanted, network.bridge));
  return true;
}

}  // namespace

std::optional<FirewalldSnapshot> observe_firewalld(FirewalldAccess& access,
                                                   PortsInFirewalld ports) {
  auto* firewalld = access.find();
  if (firewalld == nullptr) return std::nullopt;
  auto snapshot = look(*firewalld, ports);
  if (snapshot) return *std::move(snapshot);
  access.complain(snapshot.error(), kCutOff);
  return std::nullopt;
}

Result<std::optional<std::string>> observe_zone(const LinkName& bridge, FirewalldAccess& access) {
  auto* firewalld = access.find();
  if (firewalld == nullptr) return fail(Errc::not_found, "firewalld has gone");
  auto zone = firewalld->zone_of(bridge);
  if (!zone) access.complain(zone.error(), kCutOff);
  return zone;
}

void join_zone(const JoinZone& step, FirewalldAccess& access) {
  auto* firewalld = access.find();
  if (firewalld == nullptr) return;
  const auto joined = firewalld->put_into(step.zone, step.bridge);
  if (!joined) access.complain(joined.error(), kCutOff);
}

void leave_zone(const LeaveZone& step, FirewalldAccess& access) {
  auto* firewalld = access.find();
  if (firewalld == nullptr) return;
  const auto leave = [&]() -> Result<void> {
    const auto zone = TRY(firewalld->zone_of(step.bridge));
    if (!zone || (*zone != step.zone && *zone != firewall::kOwnZone)) return {};
    return firewalld->take_out_of(*zone, step.bridge);
  };
  const auto left = leave();
  if (!left) access.complain(left.error(), "its name stays there until firewalld reloads");
}

size_t restore_zones(std::span<const NetworkRecord> networks, FirewalldAccess& access) {
  const auto snapshot = observe_firewalld(access, PortsInFirewalld::unread);
  if (!snapshot || !snapshot->zone) return 0;
  size_t moved = 0;
  for (const auto& network : networks) {
    auto* firewalld = access.find();
    if (firewalld == nullptr) break;
    if (!has_firewall(network)) continue;
    const auto restored = restore_zone(network, *snapshot->zone, *firewalld);
    if (!restored) access.complain(restored.error(), kCutOff);
    if (restored && *restored) ++moved;
  }
  return moved;
}

}  // namespace burrow::netstack
