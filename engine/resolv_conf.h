// /etc/resolv.conf of a container, as text. Pure; name_files reads and writes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/ip.h"

namespace burrow::engine {

/// What a resolv.conf(5) says; servers as written, since the host's may carry a zone.
struct ResolvConf {
  std::vector<std::string> servers;
  std::vector<std::string> searches;
  std::vector<std::string> options;
};

ResolvConf parse_resolv_conf(std::string_view text);
std::string render(const ResolvConf& conf);

/// The container's resolver: the networks' servers alone if there are any, else `wanted`, else the
/// host's that a container can reach, else public ones. Source: reference engine.md 4.4.
struct ResolverSources {
  std::vector<IpAddress> network_servers;
  std::vector<std::string> network_searches;
  std::vector<IpAddress> wanted;
  ResolvConf host;
  bool has_ipv6 = false;  ///< the container has an IPv6 address
};
ResolvConf plan_resolver(const ResolverSources& sources);

/// `text` with `servers` in front of its own, as after a connect.
std::string add_servers(std::string_view text, const std::vector<IpAddress>& servers);
/// `text` without `servers`, as after a disconnect.
std::string remove_servers(std::string_view text, const std::vector<IpAddress>& servers);

}  // namespace burrow::engine
