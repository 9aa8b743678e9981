// What rtnetlink speaks of, as plain values: links, veth pairs, routes. Acts on nothing.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/ip.h"
#include "core/mac.h"
#include "core/names.h"

namespace burrow::host {

/// Whether what a bridge passes from port to port meets the firewall's family inet, by a flag of
/// that bridge. The flag has an effect while br_netfilter is loaded.
enum class BridgedPackets { past_firewall, through_firewall };
std::string_view to_string(BridgedPackets packets);

/// A link as the kernel describes it.
struct Link {
  uint32_t index = 0;
  std::string name;
  std::string kind;  ///< "bridge", "veth", ...; empty for physical links and loopback
  MacAddress mac;
  uint32_t mtu = 0;
  bool is_up = false;
  bool is_loopback = false;
  std::string alias;               ///< a text for people that stays with the link wherever it goes
  std::optional<uint32_t> master;  ///< index of the bridge that this is a port of, or of its VRF
  /// Of a bridge that filters VLANs: the one that its ports are in, 0 for none.
  std::optional<uint16_t> default_vlan;
  BridgedPackets bridged_packets = BridgedPackets::past_firewall;  ///< of a bridge
};

/// What to change about a link; what is not set stays.
struct LinkChange {
  std::optional<LinkName> name;
  std::optional<MacAddress> mac;
  std::optional<uint32_t> mtu;
  std::optional<std::string> alias;  ///< empty: none any more
  friend bool operator==(const LinkChange&, const LinkChange&) = default;
};

/// A bridge to be made.
struct NewBridge {
  LinkName name;
  MacAddress mac;
  std::optional<uint32_t> mtu;
  /// Filters VLANs; the bridge and all its ports are in this one, without tags, and in no other.
  std::optional<uint16_t> vlan;
  std::optional<LinkName> vrf;
  friend bool operator==(const NewBridge&, const NewBridge&) = default;
};

/// A veth pair to be made: the host's end is up and a port of `bridge`, the peer is born in another
/// namespace and down.
struct NewVeth {
  LinkName name;
  MacAddress mac;
  LinkName bridge;
  LinkName peer_name;
  MacAddress peer_mac;
  std::optional<uint32_t> mtu;  ///< of both ends
  /// Of a bridge that filters VLANs: the only one that the port is in, without tags.
  std::optional<uint16_t> vlan;
  friend bool operator==(const NewVeth&, const NewVeth&) = default;
};

/// Whether a bridge keeps VLANs apart.
enum class VlanFiltering { off, on };
std::string_view to_string(VlanFiltering filtering);

enum class RouteKind : uint8_t { unicast = 1, blackhole = 6, unreachable = 7, prohibit = 8 };

/// A route of the main table. Without gateway unless unicast; the kernel finds the link.
struct Route {
  IpNetwork destination;
  std::optional<IpAddress> gateway;
  uint32_t metric = 0;
  RouteKind kind = RouteKind::unicast;
  friend bool operator==(const Route&, const Route&) = default;
};

/// A unicast route of the main table by a link that is known. Without gateway: the destination is
/// on the link.
struct LinkRoute {
  IpNetwork destination;
  std::optional<IpAddress> gateway;
  uint32_t metric = 0;
  friend bool operator==(const LinkRoute&, const LinkRoute&) = default;
};

}  // namespace burrow::host
