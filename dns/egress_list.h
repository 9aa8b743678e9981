// A list of names that a container or a network may send to, or may not: the grammar of its line in
// a network's file (docs/dns.md), and whom it means. Pure. What is done about it: name_openings.h.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/ip.h"
#include "core/name_pattern.h"
#include "core/names.h"
#include "core/result.h"
#include "firewall/named_peers.h"

namespace burrow::dns {

/// By what the firewall knows whose list it is: an address of a container, or a network's bridge.
using ListOwner = std::variant<IpAddress, LinkName>;

struct EgressList {
  std::string
      id;  ///< of the container, in lower case; empty: the list of all containers of the network
  firewall::PeerVerdict verdict = firewall::PeerVerdict::allow;
  std::string label;    ///< the container's or network's name, for people
  std::string network;  ///< in whose file it stands
  std::vector<ListOwner> owners;
  std::vector<NamePattern> names;

  /// Whose it is, for people: `web (front)` or `network front`.
  [[nodiscard]] std::string whose() const;
  /// Whether `name`, in lower case without a dot at its end, is on it.
  [[nodiscard]] bool has(std::string_view name) const;
  friend bool operator==(const EgressList&, const EgressList&) = default;
};

/// Lists that zones share, as long as their lines stay.
using EgressLists = std::vector<std::shared_ptr<const EgressList>>;

/// Reads what stands behind the word EGRESS; the network is not told there:
///   allow web 10.0.0.2,fd00::2 deb.debian.org,*.example.com   of the container `id`
///   deny front br-front ads.example                           of the network, with an empty `id`
/// Errors: invalid_input.
Result<EgressList> parse_egress_list(std::string_view id, std::string_view words);

}  // namespace burrow::dns
