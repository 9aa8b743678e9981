// Elements of our vocabulary as firewalld can have them: links in zones, addresses in ipsets, rich
// rules in policies. Those zones, ipsets and policies are files of the package
// (packaging/firewalld); what is in them is all that changes. Pure: asks and changes nothing.
#pragma once

#include <array>
#include <compare>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "firewall/elements.h"

namespace burrow::firewall {

/// What of firewalld holds an entry.
enum class FirewalldHolder : uint8_t { zone, ipset, policy };

/// One thing that is in firewalld for us, in its own words: a link in a zone, an address or prefix
/// in an ipset, a rich rule in a policy.
struct FirewalldEntry {
  FirewalldHolder kind = FirewalldHolder::zone;
  std::string holder;
  std::string value;
  friend auto operator<=>(const FirewalldEntry&, const FirewalldEntry&) = default;
};

/// What elements are in firewalld, sorted, each once. Of a network or container all elements have
/// to be given together: what one of them becomes depends on the others. Sets that firewalld has
/// nothing for are passed over: see find_foreign.
std::vector<FirewalldEntry> firewalld_entries(std::span<const Element> elements);

/// The first element that firewalld has nothing for; null when there is none.
const Element* find_foreign(std::span<const Element> elements);

/// What of the package firewalld has to have read, by name.
std::span<const std::string_view> driver_zones();
std::span<const std::string_view> driver_ipsets();
std::span<const std::string_view> driver_policies();
/// Those of the policies whose rules change; the first has the ports that others reach.
std::span<const std::string_view> changing_policies();
/// Whether the zone is one of those.
bool is_driver_zone(std::string_view zone);

/// The ipsets that have the addresses of the host, while ports are published on all of them: for
/// what others send, and for what the host itself does.
std::string_view host_ipset(Family family);
std::string_view local_ipset(Family family);

/// The policy by whose rules packets leave with an address of the host; the rules of a family; and
/// the ipsets that have to be empty for it to do without: firewalld has the whole host forward for
/// as long as there is a rule that masquerades.
std::string_view masquerading_policy();
std::vector<std::string> masquerading_rules(Family family);
std::array<std::string_view, 2> masqueraded_ipsets(Family family);

/// Whether a rule leads a port on every address of the host of that family: it needs those ipsets.
bool leads_every_address(const FirewalldEntry& entry, Family family);

/// The rule of somebody else in the same policy that leads the port of `wanted` elsewhere; null
/// when there is none.
const FirewalldEntry* find_rival(const FirewalldEntry& wanted,
                                 const std::set<FirewalldEntry>& standing);

/// `zone burrow-strict: br-front`.
std::string to_string(const FirewalldEntry& entry);

}  // namespace burrow::firewall
