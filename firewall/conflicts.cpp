#include "firewall/conflicts.h"

#include <algorithm>

#include "firewall/policy.h"

namespace burrow::firewall {
namespace {

// A range is compared with single ports one by one up to this length; beyond it reading the map is
// cheaper.
constexpr size_t kMostPortLookups = 256;

struct Port {
  Protocol protocol;
  PortRange range;
  std::optional<IpAddress> address;
};

Port port_of(const Element& element) {
  std::span key{element.key};
  Port port{};
  if (const auto* address = std::get_if<IpAddress>(&key.front())) {
    port.address = *address;
    key = key.subspan(1);
  }
  port.protocol = std::get<Protocol>(key[0]);
  port.range = std::get<PortRange>(key[1]);
  return port;
}

struct Family4And6 {
  SetName single;
  SetName at;
  SetName range;
};
constexpr Family4And6 kPublish4{SetName::publish4, SetName::publish4_at, SetName::publish4_range};
constexpr Family4And6 kPublish6{SetName::publish6, SetName::publish6_at, SetName::publish6_range};

const Family4And6* maps_of(SetName set) {
  for (const auto* maps : {&kPublish4, &kPublish6}) {
    if (set == maps->single || set == maps->at || set == maps->range) return maps;
  }
  return nullptr;
}

std::string describe_port(const Element& wanted, const Element& found) {
  const auto one = port_of(wanted);
  const auto other = port_of(found);
  const auto first = std::max(one.range.first, other.range.first);
  const auto& address = one.address ? one.address : other.address;
  const auto text = fmt::format("{}/{}", first, to_string(one.protocol));
  if (!address) return text;
  return address->is_v6() ? fmt::format("[{}]:{}", address->to_string(), text)
                          : fmt::format("{}:{}", address->to_string(), text);
}

// Ports claimed on every address, by family and protocol; intervals by their first port.
class Wildcards {
 public:
  // The element that stands where this one wants to be.
  const Element* find(const Element& element) const {
    const auto port = port_of(element);
    const auto ports = claims_.find({maps_of(element.set), port.protocol});
    if (ports == claims_.end()) return nullptr;
    auto next = ports->second.upper_bound(port.range.last);
    if (next == ports->second.begin()) return nullptr;
    const auto* before = std::prev(next)->second;
    return port_of(*before).range.last >= port.range.first ? before : nullptr;
  }
  void add(const Element& element) {
    const auto port = port_of(element);
    claims_[{maps_of(element.set), port.protocol}][port.range.first] = &element;
  }

 private:
  std::map<std::pair<const Family4And6*, Protocol>, std::map<uint16_t, const Element*>> claims_;
};

}  // namespace

bool is_publication(SetName set) { return maps_of(set) != nullptr; }

Failure conflict(const Element& wanted, const Element& found) {
  const auto owner = describe_owner(found.owner);
  if (is_publication(wanted.set) && is_publication(found.set)) {
    return fail(Errc::already_exists, "port {} is already published by {}",
                describe_port(wanted, found), owner);
  }
  switch (wanted.set) {
    case SetName::subnets4:
    case SetName::subnets6:
      return fail(Errc::already_exists, "subnet {} overlaps {} of {}", to_string(wanted.key),
                  to_string(found.key), owner);
    case SetName::bridges:
      return fail(Errc::already_exists, "bridge \"{}\" already belongs to {}",
                  to_string(wanted.key), owner);
    default:
      return fail(Errc::already_exists, "firewall element {} already belongs to {}",
                  to_string(wanted), owner);
  }
}

Result<std::vector<Element>> without_conflicts(std::span<const Element> elements) {
  std::vector<Element> sorted{elements.begin(), elements.end()};
  std::ranges::sort(sorted);
  sorted.erase(std::ranges::unique(sorted).begin(), sorted.end());

  Wildcards wildcards;
  const Element* before = nullptr;
  for (const auto& element : sorted) {
    // Neighbours in a sorted set of disjoint intervals are the only ones that can overlap.
    if (before != nullptr && before->set == element.set && overlaps(*before, element)) {
      return conflict(element, *before);
    }
    before = &element;
    const auto* maps = maps_of(element.set);
    if (maps == nullptr || element.set == maps->at) continue;
    if (const auto* found = wildcards.find(element)) return conflict(element, *found);
    wildcards.add(element);
  }
  for (const auto& element : sorted) {
    const auto* maps = maps_of(element.set);
    if (maps == nullptr || element.set != maps->at) continue;
    if (const auto* found = wildcards.find(element)) return conflict(element, *found);
  }
  return sorted;
}

Probes probes_for(const Element& element) {
  Probes probes;
  const auto* maps = maps_of(element.set);
  // A lookup does not find every overlap of two prefixes; networks are few and seldom new.
  const bool is_of_prefixes = std::ranges::any_of(
      element.key, [](const Field& field) { return std::holds_alternative<IpNetwork>(field); });
  // A question goes with a published port, whose claim is looked up; it needs none of its own.
  // Lists begin with a container's address or a bridge, which are nobody else's.
  const bool is_question = element.set == SetName::asked4 || element.set == SetName::asked6;
  const bool is_listed = is_of_prefixes && !std::holds_alternative<IpNetwork>(element.key.front());
  if (is_of_prefixes && !is_question && !is_listed) probes.scans.push_back(element.set);
  if (maps == nullptr) return probes;
  const auto port = port_of(element);
  const auto look_up = [&](SetName set, uint16_t number) {
    probes.lookups.push_back({.set = set, .key = {port.protocol, PortRange{number, number}}});
  };
  if (element.set == maps->range) {
    if (static_cast<size_t>(port.range.last - port.range.first) < kMostPortLookups) {
      for (uint32_t number = port.range.first; number <= port.range.last; ++number) {
        look_up(maps->single, static_cast<uint16_t>(number));
      }
    } else {
      probes.scans.push_back(maps->single);
    }
    probes.scans.push_back(maps->range);
    probes.scans.push_back(maps->at);
    return probes;
  }
  look_up(maps->range, port.range.first);
  if (element.set == maps->at) {
    look_up(maps->single, port.range.first);
  } else {
    probes.scans.push_back(maps->at);
  }
  return probes;
}

}  // namespace burrow::firewall
