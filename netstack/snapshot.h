// What the host looks like before a command acts: all that planners may know. Plain values.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "firewall/accepts.h"
#include "firewall/firewalld_entries.h"
#include "firewall/firewalld_zone.h"
#include "firewall/nftables.h"
#include "netstack/record.h"

namespace burrow::netstack {

/// The link that has the name of a network's bridge.
struct BridgeSnapshot {
  bool is_bridge = false;
  std::string kind;
  MacAddress mac;
  uint32_t mtu = 0;
  bool is_up = false;
  std::vector<IpInterface> addresses;
  std::optional<uint16_t> default_vlan;  ///< of its ports, where it filters VLANs; 0 for none
  host::BridgedPackets bridged_packets = host::BridgedPackets::past_firewall;
  std::string master;           ///< the VRF it is in; empty for none
  std::set<std::string> ports;  ///< names of all its ports, or of several; teardown only
  /// Those of its settings that may differ from what its network needs; set-up only.
  std::vector<Setting> settings;
};

/// The host's link that links of a macvlan or ipvlan network hang on.
struct ParentSnapshot {
  LinkName name;
  MacAddress mac;
  uint32_t mtu = 0;
  bool is_up = false;
  bool is_loopback = false;
};

/// firewalld, where it runs beside us.
struct FirewalldSnapshot {
  std::optional<std::string> zone;  ///< where bridges of ours belong; nothing if it has none for us
  firewall::ForwardPorts forward_ports = firewall::ForwardPorts::anybodys;
  std::vector<firewall::ForwardPort> forwarded;  ///< read where only its own pass
};

/// What is in firewalld where that is the firewall driver.
struct FirewalldDriverSnapshot {
  std::vector<std::string> unread;  ///< of the package's files; the rest is read if there are none
  std::set<firewall::FirewalldEntry> standing;
  firewall::ForwardPorts forward_ports = firewall::ForwardPorts::anybodys;
  std::vector<firewall::ForwardPort> forwarded;  ///< read where only the administrator's pass
  /// What all other networks and containers on record have in a firewall, of either driver.
  std::vector<firewall::Element> claims;
};

/// The link that has the name of a network's VRF.
struct VrfSnapshot {
  std::string kind;                           ///< "vrf", unless it is none
  std::optional<uint32_t> default_route_mtu;  ///< by the VRF's routes
};

/// One network of the request.
struct NetworkSnapshot {
  std::optional<std::string> dns_header;  ///< the first line of its DNS file, if there is one
  std::optional<BridgeSnapshot> bridge;
  std::optional<VrfSnapshot> vrf;          ///< of a bridge network that asks for one
  std::vector<IpAddress> absent_outbound;  ///< outbound addresses asked for that the host lacks
  std::optional<ParentSnapshot> parent;    ///< of a LAN driver: named, or the default route's link
  std::optional<NetworkRecord> record;
  /// Those of its recorded elements that stand in our table; set-up only.
  std::vector<firewall::Element> in_firewall;
  std::optional<std::string> zone;     ///< of firewalld that its bridge is in
  bool has_other_attachments = false;  ///< of other containers, by the journal; teardown only
  /// Networks on record for which its bridge filters VLANs, which it did not before.
  std::vector<NetworkName> filtering_for;
  bool has_dns_entry = false;               ///< the container stands in its DNS file; teardown only
  std::optional<LinkName> free_host_link;   ///< a name for the host's end of the veth pair
  std::optional<LinkName> taken_host_link;  ///< the wanted name of that end, if it is taken
};

/// The container's namespace; absent when it is gone.
struct ContainerSnapshot {
  std::set<LinkName> taken_links;  ///< those of the wanted names that exist there
  bool is_loopback_up = false;
  bool has_ipv6 = false;
  bool disables_ipv6 = false;  ///< for links that are made; read where an address needs it
  std::vector<uint32_t> default_metrics4;
  std::vector<uint32_t> default_metrics6;
};

/// The switch that makes the host a router, for one family.
struct ForwardingSnapshot {
  bool is_on = false;
  std::vector<Setting> along;  ///< what switching it on changes besides; read while it is off
  /// Keys of the internal networks' bridges, which have to stay at 0; read while it is off.
  std::vector<std::string> stay_off;
};

/// br_netfilter, where it is loaded: whether packets of all bridges meet the firewall. Those of
/// single bridges do besides.
struct BridgeNetfilter {
  bool all_ipv4 = false;
  bool all_ipv6 = false;
};

struct Snapshot {
  std::map<NetworkName, NetworkSnapshot> networks;
  std::optional<ContainerSnapshot> container;
  std::vector<AttachmentRecord> attachments;  ///< of the container, in their order
  std::optional<HostRecord> host;
  firewall::TableState table = firewall::TableState::missing;
  bool has_other_networks = false;  ///< on record besides those asked for; read for teardown only
  std::vector<LinkName> firewall_bridges;  ///< bridges in our table; read for teardown only
  /// Elements of all records, for a table that lost its own; empty otherwise.
  std::vector<firewall::Element> recorded_elements;
  std::optional<ForwardingSnapshot> forwarding4;
  std::optional<ForwardingSnapshot> forwarding6;  ///< nothing where the host has no IPv6
  bool has_systemd = false;    ///< which may set settings of links anew that appear
  bool disables_ipv6 = false;  ///< the host, for links that are made; read where a bridge needs it
  std::optional<uint32_t> default_route_mtu;
  /// Read where networks have IPv6 or limits.
  std::optional<BridgeNetfilter> bridge_netfilter;
  bool has_dns_daemon = false;
  /// Nothing where it does not run, does not answer, or is no concern of the networks'.
  std::optional<FirewalldSnapshot> firewalld;
  std::optional<FirewalldDriverSnapshot> firewalld_driver;  ///< set-up with that driver only
  /// Chains of others; set-up only, where rules of ours may be put into them, or packets within a
  /// network are to meet them. Nothing where they could not be read, too.
  std::optional<firewall::Neighbourhood> neighbours;
  bool may_others_forward = false;  ///< links of others may live by forwarding; teardown only
};

}  // namespace burrow::netstack
