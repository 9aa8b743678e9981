// The open ways to the host and to one container that observing and acting share.
#pragma once

#include <optional>

#include "firewall/nftables.h"
#include "host/netns.h"
#include "host/rtnetlink.h"
#include "netstack/firewalld_access.h"

namespace burrow::netstack {

/// A container's namespace with a thread and a socket inside it.
struct ContainerHandle {
  host::NetNs netns;
  host::NetNsThread thread;
  host::RouteSocket route;

  static Result<ContainerHandle> open(host::NetNs netns);
};

struct Handles {
  host::RouteSocket route;                     ///< of the host
  std::optional<firewall::Nftables> nftables;  ///< absent with the firewall driver "none"
  std::optional<ContainerHandle> container;    ///< absent when its namespace is gone
  FirewalldAccess firewalld = FirewalldAccess{};
  /// Whether bridges of set-ups belong into zones of firewalld: not with the firewall driver
  /// "none".
  bool uses_zones = false;
  /// Whether set-ups put everything into firewalld: its firewall driver.
  bool keeps_firewalld = false;
  /// Whether set-ups put rules into chains of others that would drop what passes our table.
  bool opens_neighbours = false;
};

}  // namespace burrow::netstack
