// The host's own DNS servers: resolv.conf as it is now, with link names turned into indices.
#pragma once

#include <vector>

#include "dns/upstream.h"
#include "host/file.h"

namespace burrow::dns {

constexpr const char* kResolvConf = "/etc/resolv.conf";
/// Where systemd-resolved writes the servers behind its stub.
constexpr const char* kResolvedServers = "/run/systemd/resolve/resolv.conf";

struct HostServers {
  std::vector<Upstream> upstreams;
  std::vector<std::string> complaints;
};

/// Reads the servers; what cannot be meant is left out with a complaint.
/// Errors: not_found, permission, system when the file cannot be read.
Result<HostServers> read_host_servers(const host::fs::path& resolv_conf,
                                      const host::fs::path& resolved_servers);

}  // namespace burrow::dns
