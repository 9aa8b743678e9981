#include "dns/host_servers.h"

#include <net/if.h>

#include <charconv>

#include "dns/resolv_conf.h"

namespace burrow::dns {
namespace {

constexpr size_t kMaximumSize = size_t{1} << 20U;

Result<Upstream> resolve_zone(const Nameserver& server) {
  Upstream upstream{.address = server.address};
  if (server.zone.empty()) return upstream;
  const auto& zone = server.zone;
  const auto [end, error] = std::from_chars(zone.data(), zone.data() + zone.size(), upstream.scope);
  if (error == std::errc{} && end == zone.data() + zone.size()) return upstream;
  upstream.scope = ::if_nametoindex(zone.c_str());
  if (upstream.scope == 0) return fail(Errc::not_found, "no link named \"{}\"", zone);
  return upstream;
}

}  // namespace

Result<HostServers> read_host_servers(const host::fs::path& resolv_conf,
                                      const host::fs::path& resolved_servers) {
  auto parsed = parse_resolv_conf(TRY(host::read_file(resolv_conf, kMaximumSize)));
  if (is_stub_only(parsed)) {
    // The stub listens on the host's loopback, which another network namespace does not have, and
    // it refuses names without a dot.
    const auto behind = host::read_file(resolved_servers, kMaximumSize);
    if (behind) {
      if (auto servers = parse_resolv_conf(*behind); !servers.nameservers.empty()) {
        parsed = std::move(servers);
      }
    }
  }
  HostServers result{.complaints = std::move(parsed.complaints)};
  for (const auto& server : parsed.nameservers) {
    if (auto upstream = resolve_zone(server)) {
      result.upstreams.push_back(*upstream);
    } else {
      result.complaints.push_back(std::move(upstream).error().message);
    }
  }
  return result;
}

}  // namespace burrow::dns
