// Who is in the firewall, from the elements of our table: networks, and who publishes what. Pure;
// who reads the table is program.cpp.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/ip.h"
#include "core/json.h"
#include "core/port.h"
#include "firewall/accepts.h"
#include "firewall/nftables.h"
#include "firewall/port_traffic.h"
#include "netstack/dns_lists.h"
#include "netstack/plan.h"

namespace burrow::netstack {

/// What passed a link, counted by the kernel whether somebody looks or not.
struct LinkTraffic {
  uint64_t bytes_in = 0;  ///< from containers
  uint64_t packets_in = 0;
  uint64_t bytes_out = 0;  ///< to containers
  uint64_t packets_out = 0;
};

/// A network as its elements say it.
struct ShownNetwork {
  std::string name;
  FirewallDriver driver = FirewallDriver::nftables;
  std::string bridge;
  std::vector<std::string> subnets;
  std::string isolation = "none";  ///< "none", "isolated" or "strict"
  bool is_internal = false;
  bool is_routed = false;
  std::map<std::string, std::string> outbound;  ///< address by subnet
  std::vector<std::string> dns;                 ///< where names are answered: address and port
  std::vector<std::string> accepted_in;         ///< chains of others with rules of ours for it
  std::optional<LinkTraffic> traffic;
};

/// A published port, or a range of them that leads to as many.
struct ShownPort {
  std::string owner;  ///< the container's name, identifier and network, as the comment says
  FirewallDriver driver = FirewallDriver::nftables;
  Protocol protocol = Protocol::tcp;
  std::optional<IpAddress> host_address;  ///< nothing: every one of its family
  firewall::PortRange host_ports;
  IpAddress to;
  firewall::PortRange to_ports;
  std::optional<firewall::PortTraffic> traffic;
};

/// One limit of a container or network.
struct ShownLimit {
  std::string owner;  ///< as the comments say
  std::string limit;  ///< the option's word: "egress_deny"
  /// Prefixes and names, or one rate or number; none: nobody is allowed.
  std::vector<std::string> values;
};

/// Our table, and what is in firewalld where that is the driver, as people ask for it.
struct FirewallView {
  firewall::TableState table = firewall::TableState::missing;
  std::vector<ShownNetwork> networks;  ///< by name
  std::vector<ShownPort> ports;        ///< by owner
  std::vector<ShownLimit> limits;      ///< by owner and word
};

/// `elements` as Nftables::elements has them; `in_firewalld`, those that are on record there.
FirewallView view_of(firewall::TableState table, const std::vector<firewall::Element>& elements,
                     const std::vector<firewall::Element>& in_firewalld = {});

/// Adds in which chains of others rules of ours accept a network.
void add_accepts(const firewall::Neighbourhood& there, FirewallView& view);

/// Adds names to the lists of those who are in the view; the kernel has their addresses alone.
void add_names(std::span<const ListedNames> lists, FirewallView& view);

/// Counters of links by name, from the text of /proc/net/dev; lines that do not read are left out.
std::map<std::string, LinkTraffic> parse_traffic(std::string_view text);

/// Enters what goes through each published port.
void enter_traffic(const std::map<firewall::LedPort, firewall::PortTraffic>& traffic,
                   FirewallView& view);

/// Tables for people.
std::string to_text(const FirewallView& view);
/// {"table": ..., "networks": [...], "ports": [...], "limits": [...]}:
/// schemas/firewall.schema.json.
Json encode(const FirewallView& view);

}  // namespace burrow::netstack
