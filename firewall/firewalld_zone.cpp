#include "firewall/firewalld_zone.h"

#include <algorithm>

namespace burrow::firewall {

std::optional<std::string> zone_for_bridges(std::span<const std::string> zones) {
  for (const auto zone : {kOwnZone, kStandInZone}) {
    if (std::ranges::find(zones, zone) != zones.end()) return std::string{zone};
  }
  return std::nullopt;
}

bool has_to_move(const std::optional<std::string>& current,
                 const std::optional<std::string>& recorded, std::string_view wanted) {
  if (!current) return true;
  return *current != wanted && *current == kStandInZone && recorded == current;
}

}  // namespace burrow::firewall
