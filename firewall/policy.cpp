#include "firewall/policy.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "core/mac.h"

namespace burrow::firewall {
namespace {

// Cuts of names in comments, so that the longest comment fits into kLongestOwner.
constexpr size_t kLongestNamePart = 36;
constexpr size_t kLongestIdPart = 24;
constexpr size_t kShortId = 12;
constexpr std::string_view kNetworkOwner = "network ";

SetName of_family(Family family, SetName set4, SetName set6) {
  return family == Family::ipv4 ? set4 : set6;
}

// Cut text ends in a hash of the whole, so that two names stay two.
std::string shortened(std::string_view text, size_t longest) {
  if (text.size() <= longest) return std::string{text};
  return fmt::format("{}~{:08x}", text.substr(0, longest - 9), fnv1a(text) & 0xffffffffU);
}

// The twelve digits that people know from `ps`, when the identifier is such a random number.
std::string shortened_id(const std::string& id) {
  const bool is_random =
      id.size() == 64 && id.find_first_not_of("0123456789abcdef") == std::string::npos;
  return is_random ? id.substr(0, kShortId) : shortened(id, kLongestIdPart);
}

void sort_and_dedupe(std::vector<Element>& elements) {
  std::ranges::sort(elements);
  elements.erase(std::ranges::unique(elements).begin(), elements.end());
}

// Where a host port leads: one of these maps per family and protocol, wildcard or one address.
using Targets = std::map<uint16_t, uint16_t>;

struct Place {
  Family family = Family::ipv4;
  std::optional<IpAddress> host_address;  ///< nothing: every address of the family
  Protocol protocol = Protocol::tcp;
  friend auto operator<=>(const Place&, const Place&) = default;
};

std::string describe(const Place& place, uint16_t port) {
  const auto text = fmt::format("{}/{}", port, to_string(place.protocol));
  if (!place.host_address) return text;
  const auto address = place.host_address->to_string();
  return place.family == Family::ipv4 ? fmt::format("{}:{}", address, text)
                                      : fmt::format("[{}]:{}", address, text);
}

Failure contradiction(const Place& place, uint16_t port, uint16_t one, uint16_t other) {
  return fail(Errc::invalid_input, "host port {} is mapped twice: to container port {} and to {}",
              describe(place, port), one, other);
}

class PortTable {
 public:
  Result<void> add(const PortMapping& mapping, Family family) {
    Place place{.family = family, .protocol = mapping.protocol};
    if (mapping.host_address && !mapping.host_address->is_unspecified()) {
      place.host_address = mapping.host_address;
    }
    total_ += mapping.count;
    if (total_ > kMostPublishedPorts) {
      return fail(Errc::invalid_input, "more than {} ports are published", kMostPublishedPorts);
    }
    auto& targets = places_[place];
    for (uint32_t i = 0; i < mapping.count; ++i) {
      const auto host = static_cast<uint16_t>(mapping.host_port + i);
      const auto container = static_cast<uint16_t>(mapping.container_port + i);
      const auto [entry, is_new] = targets.emplace(host, container);
      if (!is_new && entry->second != container) {
        return contradiction(place, host, entry->second, container);
      }
    }
    return {};
  }

  // Drops what a mapping of every address says already.
  Result<void> collapse_specific() {
    for (auto& [place, targets] : places_) {
      if (!place.host_address) continue;
      const auto wildcard = places_.find({.family = place.family, .protocol = place.protocol});
      if (wildcard == places_.end()) continue;
      for (auto entry = targets.begin(); entry != targets.end();) {
        const auto covering = wildcard->second.find(entry->first);
        if (covering == wildcard->second.end()) {
          ++entry;
        } else if (covering->second != entry->second) {
          return contradiction(place, entry->first, entry->second, covering->second);
        } else {
          entry = targets.erase(entry);
        }
      }
    }
    return {};
  }

  [[nodiscard]] const std::map<Place, Targets>& places() const { return places_; }

 private:
  std::map<Place, Targets> places_;
  size_t total_ = 0;
};

Element single_port(const Place& place, const IpAddress& container, uint16_t host_port,
                    uint16_t container_port, const std::string& owner) {
  Element element{.set = of_family(place.family, SetName::publish4, SetName::publish6),
                  .key = {place.protocol, PortRange{host_port, host_port}},
                  .value = {container, PortRange{container_port, container_port}},
                  .owner = owner};
  if (place.host_address) {
    element.set = of_family(place.family, SetName::publish4_at, SetName::publish6_at);
    element.key.insert(element.key.begin(), *place.host_address);
  }
  return element;
}

void emit(const Place& place, const Targets& targets, const IpAddress& container,
          const std::string& owner, std::vector<Element>& elements) {
  for (auto entry = targets.begin(); entry != targets.end();) {
    auto end = std::next(entry);
    uint16_t last = entry->first;
    const auto is_equal = [](const auto& one) { return one->first == one->second; };
    if (!place.host_address && is_equal(entry)) {
      while (end != targets.end() && is_equal(end) && end->first == last + 1) {
        last = end->first;
        ++end;
      }
    }
    if (static_cast<size_t>(last - entry->first) + 1 >= kShortestInterval) {
      elements.push_back(
          {.set = of_family(place.family, SetName::publish4_range, SetName::publish6_range),
           .key = {place.protocol, PortRange{entry->first, last}},
           .value = {container},
           .owner = owner});
      entry = end;
    } else {
      for (; entry != end; ++entry) {
        elements.push_back(single_port(place, container, entry->first, entry->second, owner));
      }
    }
  }
}

// The question to the host's firewall that goes with a published port. Nothing for one on the
// loopback: only the host itself gets there.
std::optional<Element> question_for(const Element& publication) {
  const auto* host = std::get_if<IpAddress>(&publication.key.front());
  if (host != nullptr && host->is_loopback()) return std::nullopt;
  const auto family = std::get<IpAddress>(publication.value.front()).family();
  const auto where = host != nullptr
                         ? IpNetwork::containing(*host, address_bits(family))
                         : IpNetwork::parse(family == Family::ipv4 ? "0.0.0.0/0" : "::/0");
  const std::span port{publication.key.end() - 2, publication.key.end()};
  Element question{.set = of_family(family, SetName::asked4, SetName::asked6),
                   .key = {*where},
                   .value = {},
                   .owner = publication.owner};
  question.key.insert(question.key.end(), port.begin(), port.end());
  return question;
}

}  // namespace

std::vector<Element> compile(const NetworkPolicy& policy) {
  std::vector<Element> elements;
  const auto owner = owner_comment(policy.name);
  const auto add = [&](SetName set, std::vector<Field> key, std::vector<Field> value = {}) {
    elements.push_back(
        {.set = set, .key = std::move(key), .value = std::move(value), .owner = owner});
  };
  add(SetName::bridges, {policy.bridge});
  add(SetName::same_bridge, {policy.bridge, policy.bridge});
  if (policy.isolation == Isolation::isolated) add(SetName::isolated, {policy.bridge});
  if (policy.isolation == Isolation::strict) add(SetName::strict, {policy.bridge});
  if (policy.reach == Reach::internal) add(SetName::internal, {policy.bridge});

  for (const auto& subnet : policy.subnets) {
    const auto family = subnet.family();
    add(of_family(family, SetName::subnets4, SetName::subnets6), {subnet});
    for (const auto& other : policy.subnets) {
      if (other.family() != family) continue;
      add(of_family(family, SetName::same_network4, SetName::same_network6), {subnet, other});
    }
    if (policy.gateway == GatewayMode::routed) {
      add(of_family(family, SetName::routed4, SetName::routed6), {subnet});
    }
    if (family == Family::ipv6 && policy.loopback6 == Loopback6::reachable) {
      add(SetName::loopback6, {subnet});
    }
    const auto& outbound = family == Family::ipv4 ? policy.outbound4 : policy.outbound6;
    if (outbound && outbound->family() == family) {
      add(of_family(family, SetName::snat4, SetName::snat6), {subnet}, {*outbound});
    }
  }
  for (const auto& dns : policy.dns) {
    for (const auto protocol : {Protocol::tcp, Protocol::udp}) {
      add(of_family(dns.listen.family(), SetName::dns4, SetName::dns6),
          {dns.listen, protocol, PortRange{53, 53}}, {dns.listen, PortRange{dns.port, dns.port}});
    }
  }
  std::ranges::move(compile(policy.name, policy.bridge, policy.limits),
                    std::back_inserter(elements));
  sort_and_dedupe(elements);
  return elements;
}

Result<std::vector<Element>> compile(const Publication& publication) {
  PortTable table;
  for (const auto& mapping : publication.ports) {
    TRY_VOID(check_ranges(mapping));
    for (const auto family : {Family::ipv4, Family::ipv6}) {
      const auto& container = family == Family::ipv4 ? publication.address4 : publication.address6;
      const bool is_meant = !mapping.host_address || mapping.host_address->family() == family;
      if (container && is_meant) TRY_VOID(table.add(mapping, family));
    }
  }
  TRY_VOID(table.collapse_specific());

  std::vector<Element> elements;
  const auto owner = owner_comment(publication);
  for (const auto& [place, targets] : table.places()) {
    const auto& container =
        place.family == Family::ipv4 ? publication.address4 : publication.address6;
    emit(place, targets, *container, owner, elements);
  }
  if (publication.publishing == Publishing::host_firewall) {
    for (size_t i = 0, published = elements.size(); i < published; ++i) {
      if (auto question = question_for(elements[i])) elements.push_back(*std::move(question));
    }
  }
  sort_and_dedupe(elements);
  return elements;
}

std::string owner_comment(const NetworkName& network) {
  return fmt::format("{}{}", kNetworkOwner,
                     shortened(network.str(), kLongestOwner - kNetworkOwner.size()));
}

std::string owner_comment(const Publication& publication) {
  return owner_comment(publication.container, publication.container_name, publication.network);
}

std::string owner_comment(const ContainerId& container, std::string_view name,
                          const NetworkName& network) {
  std::string plain;
  for (const char c : shortened(name, kLongestNamePart)) {
    const bool is_plain = c > ' ' && c < '\x7f' && c != '"' && c != '(';
    plain += is_plain ? c : '_';
  }
  return fmt::format("container {} ({}) on network {}", plain, shortened_id(container.str()),
                     shortened(network.str(), kLongestNamePart));
}

std::string describe_owner(std::string_view comment) {
  constexpr std::string_view kContainer = "container ";
  constexpr std::string_view kOnNetwork = ") on network ";
  if (comment.starts_with(kNetworkOwner)) {
    return fmt::format("network \"{}\"", comment.substr(kNetworkOwner.size()));
  }
  const auto id = comment.find(" (");
  const auto network = comment.find(kOnNetwork);
  if (comment.starts_with(kContainer) && id != comment.npos && network != comment.npos) {
    return fmt::format("container \"{}\" on network \"{}\"",
                       comment.substr(kContainer.size(), id - kContainer.size()),
                       comment.substr(network + kOnNetwork.size()));
  }
  return fmt::format("\"{}\"", comment);
}

}  // namespace burrow::firewall
