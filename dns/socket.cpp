#include "dns/socket.h"

#include <ifaddrs.h>
#include <linux/filter.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <memory>

namespace burrow::dns {
namespace {

constexpr int kBacklog = 1024;
// Room for a burst while the daemon is busy; the kernel caps it where we may not exceed.
constexpr int kReceiveBuffer = 1 << 20;

void set_option(const host::Fd& fd, int level, int option, int value) {
  // What a kernel does not have is done without: binding tells whether that matters.
  ::setsockopt(fd.get(), level, option, &value, sizeof value);
}

// Whether others of the same user may bind the same address.
enum class Sharing { none, group };

// The link that has a link-local address, without which that means nothing; 0 for other addresses
// and for one that nobody has.
uint32_t scope_of(const IpAddress& address) {
  ifaddrs* first = nullptr;
  if (address.is_v4() || !address.is_link_local() || ::getifaddrs(&first) != 0) return 0;
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner{first, &::freeifaddrs};
  for (const ifaddrs* each = first; each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr == nullptr || each->ifa_addr->sa_family != AF_INET6) continue;
    SocketAddress found{};
    std::memcpy(&found.v6, each->ifa_addr, sizeof found.v6);
    if (to_ip_address(found) == address) return found.v6.sin6_scope_id;
  }
  return 0;
}

Result<host::Fd> bind_socket(const IpAddress& address, uint16_t port, int type,
                             Sharing sharing = Sharing::none) {
  const int family = address.is_v4() ? AF_INET : AF_INET6;
  host::Fd fd{::socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!fd.is_open()) return system_failure(errno, "IO error");
  if (type == SOCK_STREAM) set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (sharing == Sharing::group) set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  if (address.is_v6()) {
    set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    // A new gateway address is tentative for a second or two and cannot be bound otherwise.
    set_option(fd, IPPROTO_IPV6, IPV6_FREEBIND, 1);
  }
  const auto name = to_socket_address(address, port, scope_of(address));
  if (::bind(fd.get(), &name.any, size_of(name)) != 0) return system_failure(errno, "IO error");
  return fd;
}

// Makes the kernel choose among `count` sockets of a group by the source address alone: without it
// the port counts too, and one client reaches all of them.
bool choose_by_source(const host::Fd& fd, const IpAddress& local, uint32_t count) {
  // Where the last four bytes of the source address lie in the IP header.
  const auto offset = static_cast<uint32_t>(SKF_NET_OFF + (local.is_v4() ? 12 : 8 + 12));
  std::array<sock_filter, 3> program{{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset),
      BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, count),
      BPF_STMT(BPF_RET | BPF_A, 0),
  }};
  const sock_fprog filter{static_cast<uint16_t>(program.size()), program.data()};
  return ::setsockopt(fd.get(), SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &filter, sizeof filter) == 0;
}

Result<void> listen_on(const host::Fd& fd) {
  if (::listen(fd.get(), kBacklog) != 0) return system_failure(errno, "IO error");
  return {};
}

Result<std::vector<host::Fd>> bind_group(const IpAddress& address, uint16_t port, int type,
                                         size_t count) {
  // Alone first: a group would let another of our own daemons in, or be let in by it.
  host::Fd alone = TRY(bind_socket(address, port, type));
  std::vector<host::Fd> group;
  if (count > 1) {
    alone.reset();
    while (group.size() < count) {
      group.push_back(TRY(bind_socket(address, port, type, Sharing::group)));
      if (type == SOCK_STREAM) TRY_VOID(listen_on(group.back()));
    }
    if (choose_by_source(group[0], address, static_cast<uint32_t>(count))) return group;
    group.clear();
    alone = TRY(bind_socket(address, port, type));
  }
  if (type == SOCK_STREAM) TRY_VOID(listen_on(alone));
  group.push_back(std::move(alone));
  return group;
}

}  // namespace

SocketAddress to_socket_address(const IpAddress& address, uint16_t port, uint32_t scope) {
  SocketAddress result{};
  const auto bytes = address.bytes();
  if (address.is_v4()) {
    result.v4.sin_family = AF_INET;
    result.v4.sin_port = htons(port);
    std::memcpy(&result.v4.sin_addr, bytes.data(), bytes.size());
  } else {
    result.v6.sin6_family = AF_INET6;
    result.v6.sin6_port = htons(port);
    result.v6.sin6_scope_id = scope;
    std::memcpy(&result.v6.sin6_addr, bytes.data(), bytes.size());
  }
  return result;
}

socklen_t size_of(const SocketAddress& address) {
  return address.any.sa_family == AF_INET ? sizeof address.v4 : sizeof address.v6;
}

IpAddress to_ip_address(const SocketAddress& address) {
  if (address.any.sa_family == AF_INET) {
    return IpAddress::from_bytes(
        {reinterpret_cast<const uint8_t*>(&address.v4.sin_addr), sizeof address.v4.sin_addr});
  }
  return IpAddress::from_bytes(
      {reinterpret_cast<const uint8_t*>(&address.v6.sin6_addr), sizeof address.v6.sin6_addr});
}

std::string endpoint_text(const IpAddress& address, uint16_t port) {
  return address.is_v4() ? fmt::format("{}:{}", address.to_string(), port)
                         : fmt::format("[{}]:{}", address.to_string(), port);
}

Result<std::vector<host::Fd>> bind_udp(const IpAddress& address, uint16_t port, size_t count) {
  auto group = bind_group(address, port, SOCK_DGRAM, count);
  if (!group) {
    return with_context(std::move(group).error(), fmt::format("failed to bind udp listener on {}",
                                                              endpoint_text(address, port)));
  }
  for (const auto& fd : *group) {
    set_option(fd, SOL_SOCKET, SO_RCVBUF, kReceiveBuffer);
    set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, kReceiveBuffer);
  }
  return group;
}

Result<std::vector<host::Fd>> listen_tcp(const IpAddress& address, uint16_t port, size_t count) {
  auto group = bind_group(address, port, SOCK_STREAM, count);
  if (!group) {
    return with_context(std::move(group).error(), fmt::format("failed to bind tcp listener on {}",
                                                              endpoint_text(address, port)));
  }
  return group;
}

std::vector<IpInterface> interface_addresses() {
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) return {};
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner{first, &::freeifaddrs};
  std::vector<IpInterface> result;
  for (const ifaddrs* each = first; each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr == nullptr || each->ifa_netmask == nullptr) continue;
    const int family = each->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    const auto read = [&](const sockaddr* from) {
      SocketAddress address{};
      std::memcpy(&address, from, family == AF_INET ? sizeof address.v4 : sizeof address.v6);
      address.any.sa_family = static_cast<sa_family_t>(family);
      return to_ip_address(address);
    };
    const auto mask = read(each->ifa_netmask);
    int length = 0;
    for (const uint8_t byte : mask.bytes()) length += std::popcount(byte);
    result.push_back({read(each->ifa_addr), static_cast<uint8_t>(length)});
  }
  return result;
}

}  // namespace burrow::dns
