#include "netstack/plan_zones.h"

#include <algorithm>
#include <charconv>

namespace burrow::netstack {
namespace {

struct Range {
  uint32_t first = 0;
  uint32_t last = 0;
};

std::optional<Range> parse_range(std::string_view text) {
  const auto number = [](std::string_view digits) -> std::optional<uint32_t> {
    uint32_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    return value;
  };
  const auto dash = text.find('-');
  const auto first = number(text.substr(0, dash));
  const auto last = dash == text.npos ? first : number(text.substr(dash + 1));
  if (!first || !last) return std::nullopt;
  return Range{*first, *last};
}

std::string in_words(uint32_t first, uint32_t count) {
  return count == 1 ? fmt::format("{}", first) : fmt::format("{}-{}", first, first + count - 1);
}

// firewalld lets a port pass by its number as the client used it, whatever zone or address it
// forwards that to.
bool is_forwarded(const PortMapping& port, const std::vector<firewall::ForwardPort>& forwarded) {
  for (uint32_t number = port.host_port; number < uint32_t{port.host_port} + port.count; ++number) {
    const bool is_open = std::ranges::any_of(forwarded, [&](const firewall::ForwardPort& one) {
      const auto range = parse_range(one.ports);
      return range && one.protocol == to_string(port.protocol) && range->first <= number &&
             number <= range->last;
    });
    if (!is_open) return false;
  }
  return true;
}

}  // namespace

std::optional<std::string> recorded_zone(const Steps& steps) {
  for (const auto& step : steps) {
    if (const auto* join = std::get_if<JoinZone>(&step)) return join->zone;
  }
  return std::nullopt;
}

JoinZone zone_on_record(const LinkName& bridge, const NetworkSnapshot& there,
                        const std::optional<FirewalldSnapshot>& firewalld) {
  std::string zone{firewall::kOwnZone};
  if (has_to_join(there, firewalld)) {
    zone = *firewalld->zone;
  } else if (there.record) {
    zone = recorded_zone(there.record->steps).value_or(zone);
  }
  return {bridge, std::move(zone)};
}

bool has_to_join(const NetworkSnapshot& there, const std::optional<FirewalldSnapshot>& firewalld) {
  return firewalld && firewalld->zone && !there.zone;
}

std::optional<std::string> zone_warning(const NetworkName& network, const LinkName& bridge,
                                        const NetworkSnapshot& there,
                                        const std::optional<FirewalldSnapshot>& firewalld) {
  if (!firewalld || there.zone) return std::nullopt;
  if (!firewalld->zone) {
    return fmt::format(
        "network \"{}\": firewalld has neither zone \"{}\" nor \"{}\": \"{}\" is in its default "
        "zone, which lets containers reach little",
        network, firewall::kOwnZone, firewall::kStandInZone, bridge);
  }
  if (*firewalld->zone == firewall::kOwnZone) return std::nullopt;
  return fmt::format(
      "network \"{}\": firewalld has not read zone \"{}\": \"{}\" is in \"{}\" until it has "
      "(install burrow.xml among its zones, then firewall-cmd --reload)",
      network, firewall::kOwnZone, bridge, *firewalld->zone);
}

std::vector<std::string> waiting_ports(std::span<const PortMapping> ports,
                                       const std::optional<IpAddress>& address4,
                                       const std::optional<IpAddress>& address6,
                                       const std::optional<FirewalldSnapshot>& firewalld) {
  std::vector<std::string> sentences;
  if (!firewalld || firewalld->forward_ports == firewall::ForwardPorts::anybodys) return sentences;
  const auto& address = address4 ? address4 : address6;
  if (!address) return sentences;
  for (const auto& port : ports) {
    if (is_forwarded(port, firewalld->forwarded)) continue;
    const auto host = in_words(port.host_port, port.count);
    const auto protocol = to_string(port.protocol);
    sentences.push_back(fmt::format(
        "port {}/{} waits for firewalld's administrator (StrictForwardPorts): firewall-cmd "
        "--add-forward-port=port={}:proto={}:toport={}:toaddr={}",
        host, protocol, host, protocol, in_words(port.container_port, port.count),
        address->to_string()));
  }
  return sentences;
}

}  // namespace burrow::netstack
