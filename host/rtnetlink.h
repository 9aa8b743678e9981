// Links, addresses and routes of one network namespace: each call is one rtnetlink request.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "core/result.h"
#include "host/lan_link.h"
#include "host/link_values.h"
#include "host/netns.h"

struct nl_sock;

namespace burrow::host {

/// A socket to the kernel's rtnetlink, in the namespace it was opened in. Errors of all calls: the
/// system's, with the kernel's own explanation where it gives one.
class RouteSocket {
 public:
  /// In the calling thread's namespace.
  static Result<RouteSocket> open();

  /// The link called `name`, or nothing.
  Result<std::optional<Link>> find_link(const LinkName& name);
  Result<Link> get_link(uint32_t index);
  /// Links that have `master` as their master: all, or `limit` of them. Asked on a socket of its
  /// own that is closed then, so that a bridge with a thousand ports costs no more than one with
  /// few.
  static Result<std::vector<Link>> some_links_of(uint32_t master, size_t limit);
  /// All links; for decisions about the whole host only, since it costs what the host has.
  Result<std::vector<Link>> links();
  Result<std::vector<IpInterface>> addresses_of(uint32_t link);
  /// The link that packets to the internet leave by: the default route's, IPv4 before IPv6. Asks
  /// the kernel to route to documentation addresses, so that metrics, several paths and routing
  /// rules count, and the cost does not depend on the number of routes.
  /// By the routes of a VRF where there is one.
  Result<std::optional<uint32_t>> default_route_link(std::optional<uint32_t> vrf = {});
  /// Whether the namespace forwards packets of `family`: the switch of all its links. The same as
  /// the settings net/ipv4/ip_forward and net/ipv6/conf/all/forwarding, at a cost that does not
  /// depend on the number of namespaces. Of `link`, what it does itself (its own "forwarding").
  /// Nothing where the kernel, or the link, lacks the family.
  Result<std::optional<bool>> forwards(Family family, std::optional<uint32_t> link = {});
  /// The metrics of the default routes of the main table.
  Result<std::vector<uint32_t>> default_route_metrics(Family family);

  Result<void> create_bridge(const NewBridge& bridge);
  Result<void> create_veth(const NewVeth& veth, const NetNs& peer_namespace);
  /// Has a bridge keep VLANs apart, or not. Errors: unsupported for a kernel that cannot.
  Result<void> set_vlan_filtering(const LinkName& bridge, VlanFiltering filtering);
  /// Has what a bridge passes from port to port meet the firewall, both families, or not. Errors:
  /// not_found; unsupported by a kernel without CONFIG_BRIDGE_NETFILTER.
  Result<void> set_bridged_packets(const LinkName& bridge, BridgedPackets packets);
  /// Makes a macvlan or ipvlan link whose parent is here, inside `home`, with its final name there.
  /// Errors: not_found for the parent; unsupported for a kernel without links of this kind.
  Result<void> create_lan_link(const NewLanLink& link, const NetNs& home);
  /// One request; a link that is up may refuse.
  Result<void> change_link(uint32_t index, const LinkChange& change);
  /// Moves a link into another namespace, where it is down and has no addresses, and changes it on
  /// the way. A name that is taken there may be found out only when the link has arrived.
  Result<void> move_link(uint32_t index, const NetNs& to, const LinkChange& change);
  Result<void> set_up(const LinkName& name);
  Result<void> set_down(const LinkName& name);
  /// Lets a bridge send frames back out of the port they came in by.
  Result<void> enable_hairpin(uint32_t port);
  Result<void> delete_link(const LinkName& name);
  /// Deletes several links in one request and one RCU grace period: by link group.
  Result<void> delete_links(const std::vector<uint32_t>& indexes);
  /// Deletes all links of a link group, in one request and one RCU grace period. Errors: not_found
  /// when there is none; invalid for group 0, which is everybody's.
  Result<void> delete_link_group(uint32_t group);

  /// Adds an address that needs no duplicate address detection.
  Result<void> add_address(uint32_t link, const IpInterface& address);
  Result<void> delete_address(uint32_t link, const IpInterface& address);
  /// Has `address` on the link until `valid` has passed, nothing for always: adds it, or gives the
  /// one that is there a new end, at which the kernel itself removes it. Without duplicate address
  /// detection.
  Result<void> keep_address(uint32_t link, const IpInterface& address,
                            std::optional<std::chrono::seconds> valid);
  /// A unicast route that leaves by `link`; without gateway the destination is on the link.
  Result<void> add_link_route(uint32_t link, const LinkRoute& route);
  Result<void> delete_link_route(uint32_t link, const LinkRoute& route);
  Result<void> set_mtu(uint32_t link, uint32_t mtu);
  Result<void> add_route(const Route& route);
  Result<void> delete_route(const Route& route);
  /// Has packets to ::1 that arrive on `link` taken as the host's own: answers to what was sent
  /// from ::1 through the link. Goes with the link.
  Result<void> add_loopback_route(uint32_t link);

 private:
  struct Close {
    void operator()(nl_sock* socket) const;
  };
  explicit RouteSocket(std::unique_ptr<nl_sock, Close> socket) : socket_(std::move(socket)) {}
  /// Puts a port that is down into one VLAN alone.
  Result<void> join_vlan(uint32_t port, uint16_t vlan);
  /// `result` of a request about VLANs, in a sentence where the kernel knows none.
  static Result<void> explain_vlan_filtering(Result<void> result, const LinkName& bridge);
  Result<void> change_flags(const LinkName& name, unsigned flags);
  Result<std::optional<uint32_t>> route_link(const IpAddress& destination,
                                             std::optional<uint32_t> vrf);
  std::unique_ptr<nl_sock, Close> socket_;
};

}  // namespace burrow::host
