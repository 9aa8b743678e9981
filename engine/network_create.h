// Completes what a user says about a new network into a definition, by the rules that netstack has
// for all engines. Pure: sees no host, writes no file; the caller brings what is in use and where
// randomness comes from.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/host_view.h"
#include "ipam/subnets.h"
#include "netstack/network.h"

namespace burrow::engine {

using ipam::SubnetPool;

/// Podman's: 10.89.0.0/16 first, then up to the end of 10.0.0.0/8, in blocks of /24.
std::vector<SubnetPool> default_pools();

/// What the user said.
struct NewNetwork {
  std::optional<std::string> name;  ///< nothing: the first free "burrowN"
  std::string driver = "bridge";
  std::optional<LinkName> interface;
  std::vector<netstack::Subnet> subnets;
  std::vector<netstack::StaticRoute> routes;
  bool wants_ipv6 = false;
  bool is_internal = false;
  bool has_dns = true;
  std::vector<IpAddress> dns_servers;
  netstack::Strings labels;
  netstack::Strings options;
};

/// What is in use already.
struct InUse {
  std::vector<netstack::Network> networks;
  HostView host;
};

/// What no plan can know: who it will be and when. `random` yields 64 random bits a call.
struct Birth {
  std::string id;
  std::string created;
  std::function<uint64_t()> random;
};

/// The definition of a new network, complete: name, bridge, subnets with gateways.
/// Errors: invalid_input, already_exists, unsupported, exhausted. Source: reference engine.md 1.3.
Result<netstack::Network> plan_network(const NewNetwork& wanted, const InUse& in_use,
                                       const Birth& birth, const std::vector<SubnetPool>& pools);

}  // namespace burrow::engine
