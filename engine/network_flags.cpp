#include "engine/network_flags.h"

#include <charconv>

namespace burrow::engine {
namespace {

using netstack::LeaseRange;

Failure about(std::string_view flag, std::string_view value, Error error) {
  return with_context(std::move(error),
                      fmt::format("invalid argument \"{}\" for \"{}\" flag", value, flag));
}

Result<LeaseRange> parse_range(std::string_view text) {
  if (const auto dash = text.find('-'); dash != std::string_view::npos) {
    const auto bound = [&](std::string_view word, std::string_view which) -> Result<IpAddress> {
      auto address = IpAddress::parse(word);
      if (address) return address;
      return fail(Errc::invalid_input, "range {} ip \"{}\" is not a ip address", which, word);
    };
    const auto start = TRY(bound(text.substr(0, dash), "start"));
    const auto end = TRY(bound(text.substr(dash + 1), "end"));
    return LeaseRange{.start = start, .end = std::move(end)};
  }
  const auto prefix = TRY(IpInterface::parse(text)).network();
  // The network address itself is never handed out.
  return LeaseRange{.start = prefix.address().next().value_or(prefix.address()),
                    .end = prefix.last()};
}

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> parts;
  for (;;) {
    const auto comma = text.find(',');
    parts.push_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return parts;
    text.remove_prefix(comma + 1);
  }
}

Result<netstack::StaticRoute> parse_route(std::string_view text) {
  const auto parts = split(text);
  if (parts.size() < 2 || parts.size() > 3) {
    return fail(Errc::invalid_input,
                "invalid route: {}: expected DESTINATION,GATEWAY or DESTINATION,GATEWAY,METRIC",
                text);
  }
  const auto destination = IpNetwork::parse(parts[0]);
  if (!destination) {
    return fail(Errc::invalid_input, "invalid route destination {}: {}", parts[0],
                destination.error().message);
  }
  const auto gateway = IpAddress::parse(parts[1]);
  if (!gateway) return fail(Errc::invalid_input, "invalid route gateway {}", parts[1]);
  if (gateway->family() != destination->family()) {
    return fail(Errc::invalid_input, "route {} has a gateway of the other family: {}", parts[0],
                parts[1]);
  }
  netstack::StaticRoute route{.destination = *destination, .gateway = *gateway};
  if (parts.size() == 3) {
    uint32_t metric = 0;
    const auto* end = parts[2].data() + parts[2].size();
    const auto [stop, error] = std::from_chars(parts[2].data(), end, metric);
    if (error != std::errc{} || stop != end) {
      return fail(Errc::invalid_input, "invalid route metric {}", parts[2]);
    }
    route.metric = metric;
  }
  return route;
}

// "key=value", or "key" for an empty value.
Result<netstack::Strings> parse_pairs(const std::vector<std::string>& texts,
                                      std::string_view flag) {
  netstack::Strings pairs;
  for (const auto& text : texts) {
    const auto equals = text.find('=');
    const auto key = text.substr(0, equals);
    if (key.empty()) {
      return fail(Errc::invalid_input, "invalid argument \"{}\" for \"{}\" flag: key is empty",
                  text, flag);
    }
    pairs[key] = equals == std::string::npos ? "" : text.substr(equals + 1);
  }
  return pairs;
}

Result<void> apply_subnets(const NetworkFlags& flags, NewNetwork& network) {
  if (flags.subnets.empty() && (!flags.gateways.empty() || !flags.ranges.empty())) {
    return fail(Errc::invalid_input, "cannot set gateway or range without subnet");
  }
  if (flags.gateways.size() > flags.subnets.size()) {
    return fail(Errc::invalid_input, "cannot set more gateways than subnets");
  }
  if (flags.ranges.size() > flags.subnets.size()) {
    return fail(Errc::invalid_input, "cannot set more ranges than subnets");
  }
  for (size_t i = 0; i < flags.subnets.size(); ++i) {
    const auto& text = flags.subnets[i];
    auto prefix = IpInterface::parse(text);
    if (!prefix || text.find('/') == std::string::npos) {
      return fail(Errc::invalid_input, "invalid CIDR address: {}", text);
    }
    netstack::Subnet subnet{.network = prefix->network(), .gateway = {}, .lease_range = {}};
    if (i < flags.gateways.size()) {
      auto gateway = IpAddress::parse(flags.gateways[i]);
      if (!gateway) return about("--gateway", flags.gateways[i], std::move(gateway).error());
      subnet.gateway = *gateway;
    }
    if (i < flags.ranges.size()) {
      auto range = parse_range(flags.ranges[i]);
      if (!range) return about("--ip-range", flags.ranges[i], std::move(range).error());
      subnet.lease_range = *range;
    }
    network.subnets.push_back(subnet);
  }
  return {};
}

}  // namespace

Result<void> apply_flags(const NetworkFlags& flags, NewNetwork& network) {
  TRY_VOID(apply_subnets(flags, network));
  for (const auto& text : flags.routes) network.routes.push_back(TRY(parse_route(text)));
  for (const auto& list : flags.dns_servers) {
    for (const auto text : split(list)) {
      auto server = IpAddress::parse(text);
      if (!server) return about("--dns", text, std::move(server).error());
      network.dns_servers.push_back(*server);
    }
  }
  network.labels = TRY(parse_pairs(flags.labels, "--label"));
  network.options = TRY(parse_pairs(flags.options, "--opt"));
  if (!flags.interface.empty()) network.interface = TRY(LinkName::parse(flags.interface));
  return {};
}

}  // namespace burrow::engine
