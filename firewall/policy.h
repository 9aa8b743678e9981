// From what networks and containers want to elements of the ruleset's sets and maps. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/ip.h"
#include "core/names.h"
#include "core/port.h"
#include "core/result.h"
#include "firewall/elements.h"
#include "firewall/limits.h"

namespace burrow::firewall {

/// Who may open connections to whom between networks: `isolated` networks do not reach each other,
/// a `strict` one neither reaches nor is reached by any other.
enum class Isolation : uint8_t { none, isolated, strict };

/// An `internal` network has no traffic with anything but the host itself.
enum class Reach : uint8_t { external, internal };

/// How outside and a network's containers address each other. `translated`: outside knows the host
/// alone, it reaches published ports and nothing else, and sees the host's address. `routed`: who
/// has a route to the subnet reaches containers directly, and sees their own addresses.
enum class GatewayMode : uint8_t { translated, routed };

/// Whether ports published through a network answer at ::1 of the host. `reachable` is for who has
/// made the bridge's own route to it (docs/firewall.md, "Loopback"); otherwise such connections are
/// refused at once, so that clients go on to 127.0.0.1.
enum class Loopback6 : uint8_t { refused, reachable };

/// A DNS server on an address of the host: what is sent to port 53 of `listen` goes to `port`. With
/// `port` 53 it keeps a container that publishes port 53 from taking the network's queries.
struct DnsRedirect {
  IpAddress listen;
  uint16_t port = 53;
};

/// One network as the firewall sees it.
struct NetworkPolicy {
  NetworkName name;
  LinkName bridge;
  std::vector<IpNetwork> subnets;
  Isolation isolation = Isolation::none;
  Reach reach = Reach::external;
  GatewayMode gateway = GatewayMode::translated;
  std::optional<IpAddress> outbound4;  ///< source of outgoing packets instead of the link's own
  std::optional<IpAddress> outbound6;
  std::vector<DnsRedirect> dns;
  Loopback6 loopback6 = Loopback6::refused;
  Limits limits = {};  ///< its lists; rates are each container's
};

/// Who decides what reaches a published port: nobody but rules about forwarded packets (`open`), or
/// the host's own firewall, as if the port were a local service's.
enum class Publishing : uint8_t { open, host_firewall };

/// The ports that a container publishes through one of its networks. Mappings of a family in which
/// the container has no address have no effect.
struct Publication {
  ContainerId container;
  std::string container_name;
  NetworkName network;
  std::vector<PortMapping> ports;
  std::optional<IpAddress> address4;
  std::optional<IpAddress> address6;
  Publishing publishing = Publishing::open;
};

/// The elements of a network, sorted, each once.
std::vector<Element> compile(const NetworkPolicy& policy);

/// The elements of a container's ports, sorted. Mappings that say the same twice, or that another
/// one covers, are collapsed. Errors: invalid_input when one host port would lead to two places,
/// when a range leaves 1..65535, or when more than kMostPublishedPorts ports are published.
Result<std::vector<Element>> compile(const Publication& publication);

/// Bounds the work that one request can ask for: four times all ports.
constexpr size_t kMostPublishedPorts = 4U * 65536U;

/// Equal ranges from this length on become one interval element. Shorter ones are an element per
/// port: adding to a hash costs the same however full it is, adding an interval copies the map.
constexpr size_t kShortestInterval = 16;

/// The comment that names a network as owner: `network front`.
std::string owner_comment(const NetworkName& network);
/// The comment that names a container as owner: `container web (0123456789ab) on network front`.
/// Long names are cut; an identifier that is cut ends in a hash of the whole.
std::string owner_comment(const Publication& publication);
std::string owner_comment(const ContainerId& container, std::string_view name,
                          const NetworkName& network);
/// For people, from a comment: `container "web" on network "front"`; other comments in quotes.
std::string describe_owner(std::string_view comment);

}  // namespace burrow::firewall
