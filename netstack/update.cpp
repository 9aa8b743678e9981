#include "core/log.h"
#include "host/file.h"
#include "netstack/commands.h"
#include "netstack/dns_servers.h"
#include "netstack/session.h"

namespace burrow::netstack {
namespace {

// Whether there is such a file: without running containers there is none.
Result<bool> set_servers(const std::string& file, const std::vector<IpAddress>& servers,
                         const DnsDaemon& dns) {
  const auto held = TRY(host::FileLock::acquire(dns.lock));
  const auto path = dns.directory / file;
  const auto content = TRY(host::read_file_if_exists(path));
  if (!content) return false;
  const auto changed = TRY(with_servers(*content, servers));
  if (changed != *content) TRY_VOID(host::write_file(path, changed, dns.scratch));
  return true;
}

}  // namespace

Result<void> update(std::string_view network, std::string_view servers,
                    const Surroundings& surroundings) {
  const auto name = TRY(NetworkName::parse(network));
  auto parsed = parse_servers(servers);
  if (!parsed) return with_context(std::move(parsed).error(), "--network-dns-servers");
  const auto& dns = surroundings.dns;
  if (!dns.is_installed()) return {};
  // The recovery of a set-up would put the old servers back: it comes first, if one is due.
  std::optional<Session> session;
  bool has_file = false;
  for (const auto& file : dns_files_of(name)) {
    if (!dns.header(file)) continue;
    if (!session) {
      session.emplace(TRY(Session::open(surroundings)));
      TRY_VOID(session->recover());
    }
    has_file |= TRY(set_servers(file, *parsed, dns));
  }
  if (!has_file) {
    log::info("netstack", "no container of network \"{}\" runs: nothing to update", name);
    return {};
  }
  return dns.notify();
}

}  // namespace burrow::netstack
