// What containers and networks are limited to, and the elements that say so: lists of whom they may
// send to and who may send to them, and rates. Pure. Which chains ask these is limit_rules.h's
// matter.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/ip.h"
#include "core/name_pattern.h"
#include "core/names.h"
#include "core/rate.h"
#include "firewall/elements.h"

namespace burrow::firewall {

/// Peers in one direction, of both families. `deny` decides before `allow`; with an `allow`, even
/// one without entries, what neither names is refused. Names, of egress alone, are no elements:
/// what they stand for is put beside them by the DNS daemon (named_peers.h).
struct PeerList {
  std::optional<std::vector<IpNetwork>> allow;  ///< there, too, with `allow_names` alone
  std::vector<IpNetwork> deny;
  std::vector<NamePattern> allow_names = {};
  std::vector<NamePattern> deny_names = {};

  [[nodiscard]] bool has_names() const { return !allow_names.empty() || !deny_names.empty(); }
  friend bool operator==(const PeerList&, const PeerList&) = default;
};

/// The limits of a container on one network, or of a network as a whole. A network's rates are not
/// its own: each of its containers has them, unless it has others.
struct Limits {
  PeerList egress;   ///< whom they may send to
  PeerList ingress;  ///< who may send to them
  std::optional<Rate> connection_rate;
  std::optional<ConnectionCount> connections;
  std::optional<Rate> packet_rate;

  [[nodiscard]] bool empty() const { return *this == Limits{}; }
  friend bool operator==(const Limits&, const Limits&) = default;
};

/// A container on a network whose addresses there are `addresses`.
struct LimitedContainer {
  ContainerId container;
  std::string container_name;
  NetworkName network;
  std::vector<IpAddress> addresses;
};

/// Which of its limits an element or a word is about.
enum class LimitKind : uint8_t {
  connection_rate,
  connections,
  egress_allow,
  egress_deny,
  ingress_allow,
  ingress_deny,
  packet_rate,
};
constexpr size_t kLimitKinds = 7;

/// What the elements of a set limit; nothing for sets that hold no limits. Who is confined to a
/// list belongs to that list.
std::optional<LimitKind> limit_kind(SetName set);

/// Whether the set is of the gate: who has limits that new connections are asked about. No other
/// set of limits is looked into for anybody else.
bool is_gate(SetName set);
/// The elements of the gate that the owners of these limits need, each once. What limits packets
/// needs none.
std::vector<Element> gate_for(std::span<const Element> limits);

/// The same of who has nothing but names in a list.
std::vector<Element> gate_for(const LimitedContainer& container);
Element gate_for(const NetworkName& network, const LinkName& bridge);

/// The elements of a container's limits and of its gate, sorted, each once: each address has its
/// own.
std::vector<Element> compile(const LimitedContainer& container, const Limits& limits);
/// The elements of a network's lists and of its gate, sorted, each once.
std::vector<Element> compile(const NetworkName& network, const LinkName& bridge,
                             const Limits& limits);

/// The same addresses in prefixes that do not overlap, sorted.
std::vector<IpNetwork> disjoint(std::vector<IpNetwork> prefixes);

}  // namespace burrow::firewall
