#include "engine/name_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "engine/hosts_file.h"
#include "engine/resolv_conf.h"
#include "host/fd.h"
#include "host/file.h"

namespace burrow::engine {
namespace {

constexpr size_t kFileLimit = size_t{1} << 20U;

// Keeps the inode.
Result<void> write_in_place(const fs::path& path, std::string_view content) {
  const host::Fd fd{::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
  if (!fd.is_open()) return system_failure(errno, fmt::format("open \"{}\"", path.native()));
  while (!content.empty()) {
    const auto written = ::write(fd.get(), content.data(), content.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return system_failure(errno, fmt::format("write \"{}\"", path.native()));
    }
    content.remove_prefix(static_cast<size_t>(written));
  }
  return {};
}

std::vector<std::string> names_of(const Container& container) {
  return {container.spec.hostname, container.name.str()};
}

// The host as its containers reach it: the first gateway, IPv4 before IPv6.
std::optional<IpAddress> host_address(const std::vector<NetworkStatus>& statuses) {
  std::optional<IpAddress> found;
  for (const auto& [status, json] : statuses) {
    for (const auto& address : status.addresses) {
      if (!address.gateway) continue;
      if (address.gateway->is_v4()) return address.gateway;
      if (!found) found = address.gateway;
    }
  }
  return found;
}

Result<void> write_hosts(const fs::path& directory, const Container& container,
                         const std::vector<NetworkStatus>& statuses) {
  const auto base = TRY(host::read_file_if_exists("/etc/hosts"));
  HostsContent content{.added = container.spec.hosts,
                       .base = base ? std::string_view{*base} : "",
                       .host_address = host_address(statuses),
                       .names = names_of(container)};
  for (const auto& [status, json] : statuses) {
    for (const auto& address : addresses_of(status)) content.addresses.push_back(address);
  }
  return write_in_place(directory / "hosts", TRY(render_hosts(content)));
}

Result<void> write_resolv_conf(const fs::path& directory, const Container& container,
                               const std::vector<NetworkStatus>& statuses) {
  auto host_text = TRY(host::read_file_if_exists("/etc/resolv.conf"));
  ResolverSources sources{.wanted = container.spec.dns_servers,
                          .host = parse_resolv_conf(host_text.value_or(""))};
  // A stub on loopback cannot be reached from a container; systemd keeps the real list here.
  if (sources.host.servers == std::vector<std::string>{"127.0.0.53"}) {
    host_text = TRY(host::read_file_if_exists("/run/systemd/resolve/resolv.conf"));
    sources.host = parse_resolv_conf(host_text.value_or(""));
  }
  for (const auto& [status, json] : statuses) {
    std::ranges::copy(status.dns_servers, std::back_inserter(sources.network_servers));
    std::ranges::copy(status.search_domains, std::back_inserter(sources.network_searches));
    sources.has_ipv6 |= std::ranges::any_of(
        addresses_of(status), [](const IpAddress& address) { return address.is_v6(); });
  }
  return write_in_place(directory / "resolv.conf", render(plan_resolver(sources)));
}

// Servers of other families than the container has cannot be asked.
std::vector<IpAddress> usable_servers(const netstack::Status& status) {
  const auto addresses = addresses_of(status);
  const bool has_ipv6 = std::ranges::any_of(addresses, &IpAddress::is_v6);
  auto servers = status.dns_servers;
  std::erase_if(servers, [&](const IpAddress& server) { return server.is_v6() && !has_ipv6; });
  return servers;
}

}  // namespace

std::vector<IpAddress> addresses_of(const netstack::Status& status) {
  std::vector<IpAddress> addresses;
  for (const auto& one : status.addresses) addresses.push_back(one.address.address);
  return addresses;
}

Result<void> write_name_files(const Directories& directories, const Container& container,
                              const std::vector<NetworkStatus>& statuses) {
  const auto directory = directories.container(container.id);
  TRY_VOID(write_hosts(directory, container, statuses));
  TRY_VOID(write_resolv_conf(directory, container, statuses));
  return write_in_place(directory / "hostname", container.spec.hostname + "\n");
}

Result<void> add_to_name_files(const Directories& directories, const Container& container,
                               const netstack::Status& status) {
  const auto directory = directories.container(container.id);
  const auto hosts = TRY(host::read_file(directory / "hosts", kFileLimit));
  TRY_VOID(write_in_place(directory / "hosts",
                          add_host_lines(hosts, addresses_of(status), names_of(container))));
  const auto resolver = TRY(host::read_file(directory / "resolv.conf", kFileLimit));
  return write_in_place(directory / "resolv.conf", add_servers(resolver, usable_servers(status)));
}

Result<void> remove_from_name_files(const Directories& directories, const Container& container,
                                    const netstack::Status& status,
                                    const std::vector<netstack::Status>& others) {
  const auto directory = directories.container(container.id);
  const auto hosts = TRY(host::read_file(directory / "hosts", kFileLimit));
  TRY_VOID(write_in_place(directory / "hosts",
                          remove_host_lines(hosts, addresses_of(status), names_of(container))));
  auto servers = status.dns_servers;
  for (const auto& other : others) {
    for (const auto& server : other.dns_servers) std::erase(servers, server);
  }
  const auto resolver = TRY(host::read_file(directory / "resolv.conf", kFileLimit));
  return write_in_place(directory / "resolv.conf", remove_servers(resolver, servers));
}

}  // namespace burrow::engine
