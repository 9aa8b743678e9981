// The words of options that limit containers and networks: whom they may send to, who may send to
// them, and how much. Read here alone, for requests, definitions and live changes. Pure.
#pragma once

#include <array>
#include <string_view>

#include "core/result.h"
#include "firewall/limits.h"
#include "netstack/network.h"

namespace burrow::netstack {

/// The options, by what they limit: the kind of word, and what it says, for people.
struct LimitWord {
  firewall::LimitKind kind;
  std::string_view key;
  std::string_view value;
  std::string_view meaning;
};
constexpr std::array<LimitWord, firewall::kLimitKinds> kLimitWords{{
    {firewall::LimitKind::connection_rate, "connection_rate", "RATE",
     "how often a container may begin connections"},
    {firewall::LimitKind::connections, "connections", "NUMBER",
     "how many connections it may have begun at a time"},
    {firewall::LimitKind::egress_allow, "egress_allow", "LIST",
     "whom it may send to, and nobody else"},
    {firewall::LimitKind::egress_deny, "egress_deny", "LIST", "whom it may not send to"},
    {firewall::LimitKind::ingress_allow, "ingress_allow", "LIST",
     "who may send to it, and nobody else"},
    {firewall::LimitKind::ingress_deny, "ingress_deny", "LIST", "who may not send to it"},
    {firewall::LimitKind::packet_rate, "packet_rate", "RATE", "how many packets it may send"},
}};

/// So many addresses, prefixes and names may one list have.
constexpr size_t kMostListed = 256;

/// The option's name.
std::string_view to_string(firewall::LimitKind kind);

/// Checks one option. Errors: invalid_input with key and word; for keys that are none, too.
Result<void> check_limit(std::string_view key, std::string_view word);

/// Reads the limits among `options`; other options are passed over. Errors: as of check_limit.
Result<firewall::Limits> read_limits(const Strings& options);

/// What a container is limited to that has `own` limits on a network with `network`'s: rates of the
/// network are each container's, unless it has others. Lists of a network stay its own.
firewall::Limits limits_of_container(firewall::Limits own, const firewall::Limits& network);

/// Checks that there are no limits among `options`, since nothing would hold them. Errors:
/// unsupported with the option and `reason`, a sentence behind a colon.
Result<void> check_unlimited(const Strings& options, std::string_view reason);

}  // namespace burrow::netstack
