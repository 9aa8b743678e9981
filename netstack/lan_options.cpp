#include "netstack/lan_options.h"

#include <array>

namespace burrow::netstack {
namespace {

constexpr std::array<std::pair<host::MacvlanMode, std::string_view>, 5> kMacvlanModes{{
    {host::MacvlanMode::bridge, "bridge"},
    {host::MacvlanMode::isolated, "private"},
    {host::MacvlanMode::vepa, "vepa"},
    {host::MacvlanMode::passthru, "passthru"},
    {host::MacvlanMode::source, "source"},
}};

constexpr std::array<std::pair<host::IpvlanMode, std::string_view>, 3> kIpvlanModes{{
    {host::IpvlanMode::l2, "l2"},
    {host::IpvlanMode::l3, "l3"},
    {host::IpvlanMode::l3s, "l3s"},
}};

template <typename Modes, typename Mode>
std::string_view word_of(const Modes& modes, Mode mode) {
  for (const auto& [value, word] : modes) {
    if (value == mode) return word;
  }
  return modes.front().second;
}

// An absent or empty word means the first mode.
std::string_view mode_word(const Strings& words) {
  const auto* word = find_word(words, "mode");
  return word == nullptr ? std::string_view{} : *word;
}

}  // namespace

bool is_lan_driver(std::string_view driver) { return driver == "macvlan" || driver == "ipvlan"; }

Result<LanOptions> decode_lan_options(const Network& network) {
  const auto& words = network.options;
  const auto mode = mode_word(words);
  LanOptions options;
  options.mtu = TRY(read_mtu(words));
  options.metric = TRY(read_number(words, "metric"));
  options.default_route = TRY(read_default_route(words));
  if (network.driver == "ipvlan") {
    host::Ipvlan ipvlan;
    if (!mode.empty()) ipvlan.mode = TRY(parse_ipvlan_mode(mode));
    options.kind = ipvlan;
    return options;
  }
  host::Macvlan macvlan{.broadcast_cutoff = TRY(read_signed_number(words, "bclim"))};
  if (!mode.empty()) macvlan.mode = TRY(parse_macvlan_mode(mode));
  options.kind = macvlan;
  return options;
}

Result<host::MacvlanMode> parse_macvlan_mode(std::string_view text) {
  for (const auto& [mode, word] : kMacvlanModes) {
    if (word == text) return mode;
  }
  return fail(Errc::invalid_input,
              "unknown macvlan mode \"{}\": must be bridge, private, vepa, passthru or source",
              text.substr(0, 64));
}

Result<host::IpvlanMode> parse_ipvlan_mode(std::string_view text) {
  for (const auto& [mode, word] : kIpvlanModes) {
    if (word == text) return mode;
  }
  return fail(Errc::invalid_input, "unknown ipvlan mode \"{}\": must be l2, l3 or l3s",
              text.substr(0, 64));
}

std::string_view to_string(host::MacvlanMode mode) { return word_of(kMacvlanModes, mode); }

std::string_view to_string(host::IpvlanMode mode) { return word_of(kIpvlanModes, mode); }

}  // namespace burrow::netstack
