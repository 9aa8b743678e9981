// The words of a macvlan or ipvlan network's `options`, decoded once. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

#include "host/lan_link.h"
#include "netstack/option_words.h"
#include "netstack/request.h"

namespace burrow::netstack {

/// Whether `driver` puts containers on a LAN of the host: macvlan or ipvlan.
bool is_lan_driver(std::string_view driver);

/// What the options of a macvlan or ipvlan network ask for.
struct LanOptions {
  std::variant<host::Macvlan, host::Ipvlan> kind;  ///< without a MAC address yet
  std::optional<uint32_t> mtu;                     ///< nothing: the parent's
  std::optional<uint32_t> metric;                  ///< of the default routes
  DefaultRoute default_route = DefaultRoute::wanted;
};

/// Decodes the options of a network of a LAN driver; unknown keys are ignored, as netavark's setup
/// does, `bclim` of an ipvlan too. Errors: invalid_input with option and word.
Result<LanOptions> decode_lan_options(const Network& network);

/// bridge, private, vepa, passthru, source. Errors: invalid_input.
Result<host::MacvlanMode> parse_macvlan_mode(std::string_view text);
/// l2, l3, l3s. Errors: invalid_input.
Result<host::IpvlanMode> parse_ipvlan_mode(std::string_view text);
std::string_view to_string(host::MacvlanMode mode);
std::string_view to_string(host::IpvlanMode mode);

}  // namespace burrow::netstack
