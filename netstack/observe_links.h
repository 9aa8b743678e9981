// How single links of the host and of a container look: the parts of a snapshot. Only reads, and
// asks by name.
#pragma once

#include <optional>
#include <vector>

#include "host/rtnetlink.h"
#include "netstack/handles.h"
#include "netstack/journal.h"
#include "netstack/network.h"
#include "netstack/snapshot.h"

namespace burrow::netstack {

/// Whether to list a bridge's ports.
enum class Ports { unread, read };

/// Which settings of a bridge to look at.
enum class BridgeSettings { unread, forwarding, route_localnet, all };

/// The link called `name`, with several of its ports if asked for; nothing if there is none.
Result<std::optional<BridgeSnapshot>> observe_bridge(
    const LinkName& name, Ports ports, host::RouteSocket& route,
    BridgeSettings settings = BridgeSettings::unread);

/// br_netfilter in the calling thread's namespace; nothing where it is not loaded.
std::optional<BridgeNetfilter> observe_bridge_netfilter();

/// The VRF that the network's option names, if a link has that name.
Result<std::optional<VrfSnapshot>> observe_vrf(const Network& network, host::RouteSocket& route);

/// The parent of a LAN network's links: by name, or else the link of the default route.
Result<std::optional<ParentSnapshot>> observe_parent(const Network& network,
                                                     host::RouteSocket& route);

/// The container's namespace: which links of the `wanted` names exist there.
Result<ContainerSnapshot> observe_container(const std::vector<LinkName>& wanted,
                                            ContainerHandle& container);

/// The forwarding switch of `family` and, while it is off, what the kernel changes with it: the
/// settings of every link (inet_forward_change in net/ipv4/devinet.c, addrconf_fixup_forwarding in
/// net/ipv6/addrconf.c). Nothing where the host lacks the family.
Result<std::optional<ForwardingSnapshot>> observe_forwarding(Family family,
                                                             host::RouteSocket& route,
                                                             const Journal& journal);

}  // namespace burrow::netstack
