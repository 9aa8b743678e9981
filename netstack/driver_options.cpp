#include "netstack/driver_options.h"

#include <algorithm>
#include <span>

#include "netstack/limit_words.h"
#include "netstack/option_words.h"

namespace burrow::netstack {
namespace {

constexpr size_t kShown = 64;  // so much of a hostile word is repeated in an error
constexpr std::string_view kDockerMtu = "com.docker.network.driver.mtu";
constexpr std::string_view kDockerBridge = "com.docker.network.bridge.name";

Result<void> check_mtu(std::string_view key, std::string_view word) {
  TRY(parse_mtu(key, word));
  return {};
}

Result<void> check_metric(std::string_view key, std::string_view word) {
  TRY(parse_number(key, word));
  return {};
}

Result<void> check_default_route(std::string_view key, std::string_view word) {
  TRY(parse_default_route(key, word));
  return {};
}

Result<void> check_isolation(std::string_view /*key*/, std::string_view word) {
  if (word == "true" || word == "false" || word == "strict") return {};
  return fail(Errc::invalid_input, "invalid isolate option \"{}\": must be true, false or strict",
              word.substr(0, kShown));
}

Result<void> check_gateway_mode(std::string_view key, std::string_view word) {
  if (word == "nat" || word == "routed") return {};
  return bad_option(key, word, "nat or routed");
}

Result<void> check_publishing(std::string_view key, std::string_view word) {
  if (word == "open" || word == "host-firewall") return {};
  return bad_option(key, word, "open or host-firewall");
}

Result<void> check_vlan(std::string_view key, std::string_view word) {
  constexpr uint16_t kLargest = 4094;
  const auto value = parse_number(key, word);
  if (!value) return bad_option(key, word, "a number from 0 to 4094");
  if (*value <= kLargest) return {};
  return fail(Errc::invalid_input, "vlan must be between 0 and 4094, found \"{}\"",
              word.substr(0, kShown));
}

Result<void> check_link_name(std::string_view key, std::string_view word) {
  auto name = LinkName::parse(word);
  if (!name) return with_context(std::move(name).error(), key);
  return {};
}

Result<void> check_outbound(std::string_view key, std::string_view word) {
  TRY(parse_address(key, word, key.ends_with('4') ? Family::ipv4 : Family::ipv6));
  return {};
}

Result<void> check_cutoff(std::string_view key, std::string_view word) {
  TRY(parse_signed_number(key, word));
  return {};
}

template <size_t count>
Result<void> check_mode(std::string_view driver, std::string_view word,
                        const std::array<std::string_view, count>& words) {
  if (word.empty() || std::ranges::find(words, word) != words.end()) return {};
  return fail(Errc::invalid_input, "invalid {} mode \"{}\": must be one of {}", driver,
              word.substr(0, kShown), fmt::join(words, ", "));
}

Result<void> check_bridge_mode(std::string_view /*key*/, std::string_view word) {
  return check_mode("bridge", word, std::array<std::string_view, 2>{"managed", "unmanaged"});
}

Result<void> check_macvlan_mode(std::string_view /*key*/, std::string_view word) {
  return check_mode(
      "macvlan", word,
      std::array<std::string_view, 5>{"bridge", "private", "vepa", "passthru", "source"});
}

Result<void> check_ipvlan_mode(std::string_view /*key*/, std::string_view word) {
  return check_mode("ipvlan", word, std::array<std::string_view, 3>{"l2", "l3", "l3s"});
}

struct Option {
  std::string_view key;
  Result<void> (*check)(std::string_view key, std::string_view word);
};

constexpr std::array kBridgeOptions{
    Option{"connection_rate", check_limit},
    Option{"connections", check_limit},
    Option{"egress_allow", check_limit},
    Option{"egress_deny", check_limit},
    Option{"gateway_mode", check_gateway_mode},
    Option{"ingress_allow", check_limit},
    Option{"ingress_deny", check_limit},
    Option{"isolate", check_isolation},
    Option{"metric", check_metric},
    Option{"mode", check_bridge_mode},
    Option{"mtu", check_mtu},
    Option{"no_default_route", check_default_route},
    Option{"outbound_addr4", check_outbound},
    Option{"outbound_addr6", check_outbound},
    Option{"packet_rate", check_limit},
    Option{"publish", check_publishing},
    Option{"vlan", check_vlan},
    Option{"vrf", check_link_name},
};
constexpr std::array kMacvlanOptions{
    Option{"bclim", check_cutoff},
    Option{"metric", check_metric},
    Option{"mode", check_macvlan_mode},
    Option{"mtu", check_mtu},
    Option{"no_default_route", check_default_route},
};
constexpr std::array kIpvlanOptions{
    Option{"metric", check_metric},
    Option{"mode", check_ipvlan_mode},
    Option{"mtu", check_mtu},
    Option{"no_default_route", check_default_route},
};

std::span<const Option> options_of(Driver driver) {
  switch (driver) {
    case Driver::bridge:
      return kBridgeOptions;
    case Driver::macvlan:
      return kMacvlanOptions;
    case Driver::ipvlan:
      return kIpvlanOptions;
  }
  return {};
}

constexpr std::array kDrivers{Driver::bridge, Driver::macvlan, Driver::ipvlan};
constexpr std::array kIpamDrivers{IpamDriver::host_local, IpamDriver::dhcp, IpamDriver::none};

}  // namespace

std::string_view to_string(Driver driver) {
  switch (driver) {
    case Driver::bridge:
      return "bridge";
    case Driver::macvlan:
      return "macvlan";
    case Driver::ipvlan:
      return "ipvlan";
  }
  return "?";
}

std::optional<Driver> find_driver(std::string_view name) {
  for (const auto driver : kDrivers) {
    if (to_string(driver) == name) return driver;
  }
  return std::nullopt;
}

Result<BridgeWords> translate_docker_words(const Strings& options) {
  BridgeWords words{.options = options, .bridge = {}};
  if (auto mtu = words.options.extract(std::string{kDockerMtu})) {
    words.options["mtu"] = std::move(mtu.mapped());
  }
  if (const auto bridge = words.options.extract(std::string{kDockerBridge})) {
    auto name = LinkName::parse(bridge.mapped());
    if (!name) return with_context(std::move(name).error(), kDockerBridge);
    words.bridge = *std::move(name);
  }
  return words;
}

Result<void> check_options(Driver driver, const Strings& options) {
  const auto known = options_of(driver);
  for (const auto& [key, word] : options) {
    const auto option = std::ranges::find(known, key, &Option::key);
    if (option == known.end()) {
      std::string keys;
      for (const auto& one : known) keys += fmt::format("{}{}", keys.empty() ? "" : ", ", one.key);
      return fail(Errc::invalid_input, "unsupported {} network option: {} (known: {})",
                  to_string(driver), key.substr(0, kShown), keys);
    }
    TRY_VOID(option->check(key, word));
  }
  return {};
}

Result<BridgeMode> bridge_mode(const Strings& options) {
  const auto mode = options.find("mode");
  if (mode == options.end()) return BridgeMode::managed;
  TRY_VOID(check_bridge_mode(mode->first, mode->second));
  return mode->second == "unmanaged" ? BridgeMode::unmanaged : BridgeMode::managed;
}

std::string_view to_string(IpamDriver driver) {
  switch (driver) {
    case IpamDriver::host_local:
      return "host-local";
    case IpamDriver::dhcp:
      return "dhcp";
    case IpamDriver::none:
      return "none";
  }
  return "?";
}

Result<std::optional<IpamDriver>> ipam_driver(const Strings& ipam_options) {
  const auto word = ipam_options.find("driver");
  if (word == ipam_options.end()) return std::nullopt;
  for (const auto driver : kIpamDrivers) {
    if (word->second == to_string(driver)) return driver;
  }
  return fail(Errc::invalid_input,
              "unsupported ipam driver \"{}\": must be host-local, dhcp or none",
              word->second.substr(0, kShown));
}

}  // namespace burrow::netstack
