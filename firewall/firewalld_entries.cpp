#include "firewall/firewalld_entries.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>

namespace burrow::firewall {
namespace {

constexpr std::string_view kOpenZone = "burrow-open";
constexpr std::string_view kIsolatedZone = "burrow-isolated";
constexpr std::string_view kStrictZone = "burrow-strict";
constexpr std::string_view kInternalZone = "burrow-internal";
constexpr std::array kZones{kOpenZone, kIsolatedZone, kStrictZone, kInternalZone};

constexpr std::string_view kHost4 = "burrow-host4";
constexpr std::string_view kHost6 = "burrow-host6";
constexpr std::string_view kLocal4 = "burrow-local4";
constexpr std::string_view kSubnets4 = "burrow-subnets4";
constexpr std::string_view kSubnets6 = "burrow-subnets6";
constexpr std::string_view kRouted4 = "burrow-routed4";
constexpr std::string_view kRouted6 = "burrow-routed6";
constexpr std::string_view kPublished4 = "burrow-published4";
constexpr std::string_view kPublished6 = "burrow-published6";
constexpr std::string_view kInner4 = "burrow-inner4";
constexpr std::string_view kInner6 = "burrow-inner6";
constexpr std::array kIpsets{kHost4,   kHost6,  kLocal4, kSubnets4,   kSubnets6,  kRouted4,
                             kRouted6, kInner4, kInner6, kPublished4, kPublished6};

// Ports as others reach them, ports as the host itself does, and ways between networks.
constexpr std::string_view kPorts = "burrow-ports";
constexpr std::string_view kLocal = "burrow-local";
constexpr std::string_view kApart = "burrow-apart";
constexpr std::string_view kMasquerade = "burrow-masquerade";
constexpr std::array<std::string_view, 7> kPolicies{
    kPorts, kLocal, kApart, kMasquerade, "burrow-to-open", "burrow-to-isolated", "burrow-entering"};
constexpr size_t kChanging = 3;  // of them, the first

// Names go before published ports, which are without a priority.
constexpr std::string_view kNamesFirst = " priority=\"-10\"";

std::string_view family_word(Family family) { return family == Family::ipv4 ? "ipv4" : "ipv6"; }

std::string_view of_family(Family family, std::string_view set4, std::string_view set6) {
  return family == Family::ipv4 ? set4 : set6;
}

std::string ports_word(const PortRange& ports) {
  return ports.first == ports.last ? fmt::format("{}", ports.first)
                                   : fmt::format("{}-{}", ports.first, ports.last);
}

// A port that is led to a container, with all that says where from and where to.
struct ForwardedPort {
  std::string_view priority;
  Protocol protocol = Protocol::tcp;
  PortRange ports;
  std::optional<PortRange> to_ports;  ///< nothing: the same
  IpAddress to;
};

// In the order and with the quotes that firewalld itself writes: entries are compared as text.
std::string rule_of(std::string_view way, const ForwardedPort& port) {
  return fmt::format(
      "rule{} family=\"{}\" {} forward-port port=\"{}\" protocol=\"{}\"{} to-addr=\"{}\"",
      port.priority, family_word(port.to.family()), way, ports_word(port.ports),
      to_string(port.protocol),
      port.to_ports ? fmt::format(" to-port=\"{}\"", ports_word(*port.to_ports)) : "",
      port.to.to_string());
}

std::string to_address(const IpAddress& address) {
  return fmt::format("destination address=\"{}\"", address.to_string());
}
std::string to_set(std::string_view name) { return fmt::format("destination ipset=\"{}\"", name); }

// Internal networks reach no published port. firewalld lets pass what has been led elsewhere before
// it looks at zones: so what comes from there must not be led.
std::string from_others(Family family, std::string_view destination) {
  return fmt::format("source NOT ipset=\"{}\" {}", of_family(family, kInner4, kInner6),
                     destination);
}

bool is_of(const Element& element, std::string_view start) {
  return shape_of(element.set).name.starts_with(start);
}

class Translation {
 public:
  explicit Translation(std::span<const Element> elements) : elements_(elements) {
    for (const auto& element : elements) {
      if (element.set == SetName::internal) internal_.insert(element.owner);
      if (element.set == SetName::routed4 || element.set == SetName::routed6) {
        routed_.insert(std::get<IpNetwork>(element.key.front()));
      }
    }
  }

  std::vector<FirewalldEntry> entries() {
    for (const auto& element : elements_) translate(element);
    for (const auto& [place, ports] : single_ports_) publish_runs(place, ports);
    return {entries_.begin(), entries_.end()};
  }

 private:
  // Where ports lead that are the same on both sides: runs of them become one rule.
  struct Place {
    std::optional<IpAddress> host;
    Protocol protocol = Protocol::tcp;
    IpAddress to;
    friend auto operator<=>(const Place&, const Place&) = default;
  };

  void put(FirewalldHolder kind, std::string_view holder, std::string value) {
    entries_.insert({kind, std::string{holder}, std::move(value)});
  }

  void translate(const Element& element) {
    switch (element.set) {
      case SetName::bridges:
        put(FirewalldHolder::zone, zone_for(element.key.front()), to_string(element.key));
        return;
      case SetName::subnets4:
      case SetName::subnets6:
        translate_subnet(element);
        return;
      case SetName::same_network4:
      case SetName::same_network6:
        translate_way(element);
        return;
      case SetName::dns4:
      case SetName::dns6:
        translate_names(element);
        return;
      case SetName::publish4:
      case SetName::publish6:
      case SetName::publish4_at:
      case SetName::publish6_at:
        note_port(element);
        return;
      case SetName::publish4_range:
      case SetName::publish6_range: {
        const auto& to = std::get<IpAddress>(element.value.front());
        publish(std::nullopt, {.priority = {},
                               .protocol = std::get<Protocol>(element.key[0]),
                               .ports = std::get<PortRange>(element.key[1]),
                               .to_ports = {},
                               .to = to});
        return;
      }
      default:
        return;
    }
  }

  [[nodiscard]] std::string_view zone_for(const Field& bridge) const {
    const auto is_in = [&](SetName set) {
      return std::ranges::any_of(elements_, [&](const Element& element) {
        return element.set == set && element.key.front() == bridge;
      });
    };
    if (is_in(SetName::internal)) return kInternalZone;
    if (is_in(SetName::strict)) return kStrictZone;
    if (is_in(SetName::isolated)) return kIsolatedZone;
    return kOpenZone;
  }

  void translate_subnet(const Element& element) {
    const auto& subnet = std::get<IpNetwork>(element.key.front());
    const auto family = subnet.family();
    auto ipset = of_family(family, kSubnets4, kSubnets6);
    if (routed_.contains(subnet)) ipset = of_family(family, kRouted4, kRouted6);
    if (internal_.contains(element.owner)) ipset = of_family(family, kInner4, kInner6);
    put(FirewalldHolder::ipset, ipset, subnet.to_string());
  }

  // Within one subnet nothing comes by the host.
  void translate_way(const Element& element) {
    const auto& from = std::get<IpNetwork>(element.key[0]);
    const auto& to = std::get<IpNetwork>(element.key[1]);
    if (from == to) return;
    put(FirewalldHolder::policy, kApart,
        fmt::format("rule family=\"{}\" source address=\"{}\" destination address=\"{}\" accept",
                    family_word(from.family()), from.to_string(), to.to_string()));
  }

  void translate_names(const Element& element) {
    const auto& listen = std::get<IpAddress>(element.key[0]);
    const ForwardedPort port{.priority = kNamesFirst,
                             .protocol = std::get<Protocol>(element.key[1]),
                             .ports = std::get<PortRange>(element.key[2]),
                             .to_ports = std::get<PortRange>(element.value[1]),
                             .to = std::get<IpAddress>(element.value[0])};
    put(FirewalldHolder::policy, kPorts, rule_of(to_address(listen), port));
    // The host asks at the port itself where it is the usual one.
    if (port.to_ports != port.ports)
      put(FirewalldHolder::policy, kLocal, rule_of(to_address(listen), port));
  }

  void note_port(const Element& element) {
    std::span key{element.key};
    std::optional<IpAddress> host;
    if (const auto* address = std::get_if<IpAddress>(&key.front())) {
      host = *address;
      key = key.subspan(1);
    }
    const auto protocol = std::get<Protocol>(key[0]);
    const auto ports = std::get<PortRange>(key[1]);
    const auto& to = std::get<IpAddress>(element.value[0]);
    const auto to_ports = std::get<PortRange>(element.value[1]);
    if (ports == to_ports) {
      single_ports_[{host, protocol, to}].insert(ports.first);
    } else {
      publish(
          host,
          {.priority = {}, .protocol = protocol, .ports = ports, .to_ports = to_ports, .to = to});
    }
  }

  void publish_runs(const Place& place, const std::set<uint16_t>& ports) {
    for (auto next = ports.begin(); next != ports.end();) {
      PortRange run{*next, *next};
      for (++next; next != ports.end() && *next == run.last + 1; ++next) run.last = *next;
      // As it was asked for: one port has its number on both sides.
      const auto to_ports = run.first == run.last ? std::optional{run} : std::nullopt;
      publish(place.host, {.priority = {},
                           .protocol = place.protocol,
                           .ports = run,
                           .to_ports = to_ports,
                           .to = place.to});
    }
  }

  void publish(const std::optional<IpAddress>& host, const ForwardedPort& port) {
    const auto family = port.to.family();
    put(FirewalldHolder::ipset, of_family(family, kPublished4, kPublished6), port.to.to_string());
    if (!host) {
      const auto others = from_others(family, to_set(host_ipset(family)));
      put(FirewalldHolder::policy, kPorts, rule_of(others, port));
      put(FirewalldHolder::policy, kLocal, rule_of(to_set(local_ipset(family)), port));
      return;
    }
    // The loopback is for the host alone: packets from a wire with such an address are not led on.
    if (!host->is_loopback()) {
      put(FirewalldHolder::policy, kPorts, rule_of(from_others(family, to_address(*host)), port));
    }
    put(FirewalldHolder::policy, kLocal, rule_of(to_address(*host), port));
  }

  std::span<const Element> elements_;
  std::set<IpNetwork> routed_;
  std::set<std::string> internal_;  // owners
  std::map<Place, std::set<uint16_t>> single_ports_;
  std::set<FirewalldEntry> entries_;
};

// The address and port that a rule leads elsewhere.
std::string_view claim_of(std::string_view rule) {
  const auto begin = rule.find(" destination ");
  const auto end = std::min(rule.find(" to-port="), rule.find(" to-addr="));
  if (begin == rule.npos || end == rule.npos || end < begin) return {};
  return rule.substr(begin, end - begin);
}

}  // namespace

std::vector<FirewalldEntry> firewalld_entries(std::span<const Element> elements) {
  return Translation{elements}.entries();
}

const Element* find_foreign(std::span<const Element> elements) {
  const auto is_known = [](const Element& element) {
    switch (element.set) {
      case SetName::bridges:
      case SetName::same_bridge:
      case SetName::isolated:
      case SetName::strict:
      case SetName::internal:
      case SetName::loopback6:
        return true;
      default:
        return is_of(element, "subnets") || is_of(element, "same_network") ||
               is_of(element, "routed") || is_of(element, "dns") || is_of(element, "publish");
    }
  };
  const auto found = std::ranges::find_if_not(elements, is_known);
  return found == elements.end() ? nullptr : &*found;
}

std::span<const std::string_view> driver_zones() { return kZones; }
std::span<const std::string_view> driver_ipsets() { return kIpsets; }
std::span<const std::string_view> driver_policies() { return kPolicies; }

std::span<const std::string_view> changing_policies() {
  return std::span{kPolicies}.first(kChanging);
}

bool is_driver_zone(std::string_view zone) {
  return std::ranges::find(kZones, zone) != kZones.end();
}

std::string_view host_ipset(Family family) { return of_family(family, kHost4, kHost6); }
// ::1 is not among them: answers to it find no way back by what firewalld can set.
std::string_view local_ipset(Family family) { return of_family(family, kLocal4, kHost6); }

std::string_view masquerading_policy() { return kMasquerade; }

// Containers to outside; and to a published port whoever would be answered past this host.
std::vector<std::string> masquerading_rules(Family family) {
  const auto subnets = fmt::format("ipset=\"{}\"", of_family(family, kSubnets4, kSubnets6));
  const auto routed = fmt::format("ipset=\"{}\"", of_family(family, kRouted4, kRouted6));
  const auto published = to_set(of_family(family, kPublished4, kPublished6));
  const auto loopback = family == Family::ipv4 ? "address=\"127.0.0.0/8\"" : "address=\"::1\"";
  const auto rule = [&](std::string_view source, std::string_view destination) {
    return fmt::format("rule family=\"{}\" source {} {} masquerade", family_word(family), source,
                       destination);
  };
  return {rule(subnets, fmt::format("destination NOT {}", subnets)), rule(subnets, published),
          rule(routed, published), rule(loopback, published)};
}

std::array<std::string_view, 2> masqueraded_ipsets(Family family) {
  return {of_family(family, kSubnets4, kSubnets6), of_family(family, kRouted4, kRouted6)};
}

bool leads_every_address(const FirewalldEntry& entry, Family family) {
  return entry.kind == FirewalldHolder::policy && entry.holder == kPorts &&
         entry.value.find(fmt::format(" {} ", to_set(host_ipset(family)))) != std::string::npos;
}

const FirewalldEntry* find_rival(const FirewalldEntry& wanted,
                                 const std::set<FirewalldEntry>& standing) {
  const auto claim = claim_of(wanted.value);
  if (wanted.kind != FirewalldHolder::policy || claim.empty()) return nullptr;
  const auto rival = std::ranges::find_if(standing, [&](const FirewalldEntry& entry) {
    return entry.kind == wanted.kind && entry.holder == wanted.holder && entry != wanted &&
           claim_of(entry.value) == claim;
  });
  return rival == standing.end() ? nullptr : &*rival;
}

std::string to_string(const FirewalldEntry& entry) {
  switch (entry.kind) {
    case FirewalldHolder::zone:
      return fmt::format("zone {}: {}", entry.holder, entry.value);
    case FirewalldHolder::ipset:
      return fmt::format("ipset {}: {}", entry.holder, entry.value);
    case FirewalldHolder::policy:
      return fmt::format("policy {}: {}", entry.holder, entry.value);
  }
  return entry.value;
}

}  // namespace burrow::firewall
