#include "dhcp/footing.h"

#include <sys/stat.h>

#include <cerrno>

namespace burrow::dhcp {

Result<NetNsIdentity> identify_netns(const std::filesystem::path& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) {
    return system_failure(errno, fmt::format("namespace \"{}\"", path.native()));
  }
  return NetNsIdentity{found.st_dev, found.st_ino};
}

Result<Footing> Footing::take(const std::filesystem::path& path,
                              const std::optional<NetNsIdentity>& identity,
                              const LinkName& interface, const std::optional<MacAddress>& mac) {
  auto netns = TRY(host::NetNs::open(path));
  struct stat opened {};
  if (::fstat(netns.fd().get(), &opened) != 0) return system_failure(errno, "namespace");
  if (identity && *identity != NetNsIdentity{opened.st_dev, opened.st_ino}) {
    return fail(Errc::not_found, "namespace \"{}\" is another one by now", path.native());
  }
  auto thread = TRY(host::NetNsThread::start(netns));
  auto route = TRY(thread.run([] { return host::RouteSocket::open(); }));
  auto link = TRY(route.find_link(interface));
  if (!link) {
    return fail(Errc::not_found, "there is no link \"{}\" in \"{}\"", interface, path.native());
  }
  if (mac && link->mac != *mac) {
    return fail(Errc::not_found, "link \"{}\" in \"{}\" has the MAC address {} and not {}",
                interface, path.native(), link->mac.to_string(), mac->to_string());
  }
  return Footing{std::move(netns), std::move(thread), std::move(route), *std::move(link)};
}

}  // namespace burrow::dhcp
