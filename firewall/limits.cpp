#include "firewall/limits.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "firewall/policy.h"

namespace burrow::firewall {
namespace {

using enum SetName;

/// Both families' sets of one kind; those of links alone are one.
struct Sets {
  SetName four;
  SetName six;
  [[nodiscard]] SetName of(Family family) const { return family == Family::ipv4 ? four : six; }
};

/// The sets of one direction, for containers and for networks.
struct Direction {
  Sets deny;
  Sets allow;
  Sets only;
  Sets network_deny;
  Sets network_allow;
  SetName network_only;
};
constexpr Direction kEgress{{egress_deny4, egress_deny6},
                            {egress_allow4, egress_allow6},
                            {egress_only4, egress_only6},
                            {network_egress_deny4, network_egress_deny6},
                            {network_egress_allow4, network_egress_allow6},
                            network_egress_only};
constexpr Direction kIngress{{ingress_deny4, ingress_deny6},
                             {ingress_allow4, ingress_allow6},
                             {ingress_only4, ingress_only6},
                             {network_ingress_deny4, network_ingress_deny6},
                             {network_ingress_allow4, network_ingress_allow6},
                             network_ingress_only};
constexpr Sets kConnectionRate{connection_rate4, connection_rate6};
constexpr Sets kConnections{connections4, connections6};
constexpr Sets kPacketRate{packet_rate4, packet_rate6};

struct KindOfSet {
  SetName first;
  SetName last;
  LimitKind kind;
};
// In the order of their declaration.
constexpr std::array<KindOfSet, 11> kKinds{{
    {egress_deny4, egress_deny6, LimitKind::egress_deny},
    {egress_allow4, egress_only6, LimitKind::egress_allow},
    {network_egress_deny4, network_egress_deny6, LimitKind::egress_deny},
    {network_egress_allow4, network_egress_only, LimitKind::egress_allow},
    {ingress_deny4, ingress_deny6, LimitKind::ingress_deny},
    {ingress_allow4, ingress_only6, LimitKind::ingress_allow},
    {network_ingress_deny4, network_ingress_deny6, LimitKind::ingress_deny},
    {network_ingress_allow4, network_ingress_only, LimitKind::ingress_allow},
    {connection_rate4, connection_rate6, LimitKind::connection_rate},
    {connections4, connections6, LimitKind::connections},
    {packet_rate4, packet_rate6, LimitKind::packet_rate},
}};

class Compiler {
 public:
  explicit Compiler(std::string owner) : owner_(std::move(owner)) {}

  void add(SetName set, std::vector<Field> key, std::vector<Field> value = {}) {
    elements_.push_back(
        {.set = set, .key = std::move(key), .value = std::move(value), .owner = owner_});
  }
  void add_gate(std::vector<Element> gate) {
    std::ranges::move(gate, std::back_inserter(elements_));
  }
  void add_container_lists(const IpAddress& address, const PeerList& list,
                           const Direction& direction) {
    const auto family = address.family();
    const auto add_all = [&](const std::vector<IpNetwork>& prefixes, const Sets& sets) {
      for (const auto& prefix : disjoint(prefixes)) {
        if (prefix.family() == family) add(sets.of(family), {address, prefix});
      }
    };
    add_all(list.deny, direction.deny);
    if (!list.allow) return;
    add_all(*list.allow, direction.allow);
    add(direction.only.of(family), {address});
  }
  void add_network_lists(const LinkName& bridge, const PeerList& list, const Direction& direction) {
    const auto add_all = [&](const std::vector<IpNetwork>& prefixes, const Sets& sets) {
      for (const auto& prefix : disjoint(prefixes)) {
        add(sets.of(prefix.family()), {bridge, prefix});
      }
    };
    add_all(list.deny, direction.network_deny);
    if (!list.allow) return;
    add_all(*list.allow, direction.network_allow);
    add(direction.network_only, {bridge});
  }
  [[nodiscard]] std::vector<Element> take() {
    std::ranges::move(gate_for(elements_), std::back_inserter(elements_));
    std::ranges::sort(elements_);
    elements_.erase(std::ranges::unique(elements_).begin(), elements_.end());
    return std::move(elements_);
  }

 private:
  std::string owner_;
  std::vector<Element> elements_;
};

}  // namespace

std::optional<LimitKind> limit_kind(SetName set) {
  for (const auto& one : kKinds) {
    if (set >= one.first && set <= one.last) return one.kind;
  }
  return std::nullopt;
}

bool is_gate(SetName set) { return set >= limited4 && set <= limited_bridges; }

std::vector<Element> gate_for(std::span<const Element> limits) {
  std::vector<Element> gate;
  for (const auto& element : limits) {
    const auto kind = limit_kind(element.set);
    if (!kind || *kind == LimitKind::packet_rate) continue;
    // Every such key begins with the container's address or the network's bridge.
    const auto& owner = element.key.front();
    auto set = limited_bridges;
    if (const auto* address = std::get_if<IpAddress>(&owner)) {
      set = address->family() == Family::ipv4 ? limited4 : limited6;
    }
    gate.push_back({.set = set, .key = {owner}, .value = {}, .owner = element.owner});
  }
  std::ranges::sort(gate);
  gate.erase(std::ranges::unique(gate).begin(), gate.end());
  return gate;
}

std::vector<Element> gate_for(const LimitedContainer& container) {
  const auto owner =
      owner_comment(container.container, container.container_name, container.network);
  std::vector<Element> gate;
  for (const auto& address : container.addresses) {
    const auto set = address.family() == Family::ipv4 ? limited4 : limited6;
    gate.push_back({.set = set, .key = {address}, .value = {}, .owner = owner});
  }
  return gate;
}

Element gate_for(const NetworkName& network, const LinkName& bridge) {
  return {.set = limited_bridges, .key = {bridge}, .value = {}, .owner = owner_comment(network)};
}

std::vector<Element> compile(const LimitedContainer& container, const Limits& limits) {
  Compiler compiler{
      owner_comment(container.container, container.container_name, container.network)};
  if (limits.egress.has_names()) compiler.add_gate(gate_for(container));
  for (const auto& address : container.addresses) {
    const auto family = address.family();
    compiler.add_container_lists(address, limits.egress, kEgress);
    compiler.add_container_lists(address, limits.ingress, kIngress);
    if (limits.connection_rate) {
      compiler.add(kConnectionRate.of(family), {address}, {*limits.connection_rate});
    }
    if (limits.connections) {
      compiler.add(kConnections.of(family), {address}, {*limits.connections});
    }
    if (limits.packet_rate) {
      compiler.add(kPacketRate.of(family), {address}, {*limits.packet_rate});
    }
  }
  return compiler.take();
}

std::vector<Element> compile(const NetworkName& network, const LinkName& bridge,
                             const Limits& limits) {
  Compiler compiler{owner_comment(network)};
  if (limits.egress.has_names()) compiler.add_gate({gate_for(network, bridge)});
  compiler.add_network_lists(bridge, limits.egress, kEgress);
  compiler.add_network_lists(bridge, limits.ingress, kIngress);
  return compiler.take();
}

std::vector<IpNetwork> disjoint(std::vector<IpNetwork> prefixes) {
  // What holds another one comes before it: its address is lower, or its length is.
  std::ranges::sort(prefixes);
  std::vector<IpNetwork> result;
  for (const auto& prefix : prefixes) {
    if (result.empty() || !result.back().overlaps(prefix)) result.push_back(prefix);
  }
  return result;
}

}  // namespace burrow::firewall
