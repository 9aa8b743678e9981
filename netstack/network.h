// A network as people define it and engines pass it on: netavark's Network document.
// Decoding checks types and forms; what a driver makes of the options is decided by its planner.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/ip.h"
#include "core/json.h"
#include "core/names.h"

namespace burrow::netstack {

/// The addresses that containers may get. Bounds inclusive; nothing means the subnet's own bound.
struct LeaseRange {
  std::optional<IpAddress> start;
  std::optional<IpAddress> end;
};

/// A prefix of a network. Host bits in the document are cleared.
struct Subnet {
  IpNetwork network;
  std::optional<IpAddress> gateway;
  std::optional<LeaseRange> lease_range;
};

/// What a static route does with packets (RTN_* in linux/rtnetlink.h).
enum class RouteType { unicast, blackhole, unreachable, prohibit };

/// A static route of a network. `gateway` is there exactly when the type is unicast, and of the
/// destination's family.
struct StaticRoute {
  IpNetwork destination;
  std::optional<IpAddress> gateway;
  std::optional<uint32_t> metric;
  RouteType type = RouteType::unicast;
};

using Strings = std::map<std::string, std::string>;

/// One network. `driver`, `options` and `ipam_options` are words as written: drivers decode them.
struct Network {
  NetworkName name;
  std::string id;
  std::string driver;
  std::optional<LinkName> interface;
  std::string created;  ///< RFC 3339, may be empty
  std::vector<Subnet> subnets;
  std::vector<StaticRoute> routes;
  bool has_ipv6 = false;
  bool is_internal = false;
  bool has_dns = false;
  std::vector<IpAddress> dns_servers;
  Strings labels;
  Strings options;
  Strings ipam_options;
};

/// Reads a Network. Subnets must not overlap, gateways lie in their subnet, and routes be well
/// formed. Errors: invalid_input with the path of the field. Source: reference netavark 2.1, 2.7.
Result<Network> decode_network(const JsonCursor& cursor);

/// The document of `network`, keys as netavark writes them, empty members left out.
Json encode(const Network& network);

std::string_view to_string(RouteType type);

}  // namespace burrow::netstack
