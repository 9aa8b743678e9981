// macvlan and ipvlan links as plain values: a container's own link on a LAN of the host. Acts on
// nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <variant>

#include "core/mac.h"
#include "core/names.h"

namespace burrow::host {

/// The kernel's numbers (linux/if_link.h, enum macvlan_mode).
enum class MacvlanMode : uint32_t { isolated = 1, vepa = 2, bridge = 4, passthru = 8, source = 16 };

/// The kernel's numbers (linux/if_link.h, enum ipvlan_mode).
enum class IpvlanMode : uint16_t { l2 = 0, l3 = 1, l3s = 2 };

/// A macvlan has an address of its own on the parent's LAN; in mode passthru it has the parent's.
struct Macvlan {
  MacvlanMode mode = MacvlanMode::bridge;
  std::optional<MacAddress> mac;  ///< nothing in mode passthru
  /// A multicast packet is queued as a broadcast is when more links of the parent than this listen
  /// to it; below 0 never (IFLA_MACVLAN_BC_CUTOFF, Linux 6.4; older kernels pass it over).
  std::optional<int32_t> broadcast_cutoff;
  friend bool operator==(const Macvlan&, const Macvlan&) = default;
};

/// An ipvlan shares its parent's address.
struct Ipvlan {
  IpvlanMode mode = IpvlanMode::l2;
  friend bool operator==(const Ipvlan&, const Ipvlan&) = default;
};

/// A link to be made on `parent`, born in another namespace and down. Its link group, never 0, is
/// born with it and tells whose it is: neither its name nor its address has to stay as they are.
struct NewLanLink {
  LinkName name;
  LinkName parent;
  uint32_t group = 0;
  std::variant<Macvlan, Ipvlan> kind;
  std::optional<uint32_t> mtu;  ///< nothing: the parent's
  friend bool operator==(const NewLanLink&, const NewLanLink&) = default;
};

}  // namespace burrow::host
