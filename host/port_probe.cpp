#include "host/port_probe.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "host/fd.h"

namespace burrow::host {
namespace {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

SocketAddress socket_address(const IpAddress& address, uint16_t port) {
  SocketAddress result;
  const auto bytes = address.bytes();
  if (address.family() == Family::ipv4) {
    auto* v4 = reinterpret_cast<sockaddr_in*>(&result.storage);
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    std::ranges::copy(bytes, reinterpret_cast<uint8_t*>(&v4->sin_addr));
    result.size = sizeof(sockaddr_in);
  } else {
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&result.storage);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    std::ranges::copy(bytes, v6->sin6_addr.s6_addr);
    result.size = sizeof(sockaddr_in6);
  }
  return result;
}

}  // namespace

Result<bool> is_port_free(const IpAddress& address, Protocol protocol, uint16_t port) {
  const bool is_tcp = protocol == Protocol::tcp;
  const int family = address.family() == Family::ipv4 ? AF_INET : AF_INET6;
  const Fd fd{::socket(family, (is_tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0)};
  if (!fd.is_open()) return system_failure(errno, "open a socket");
  const int on = 1;
  // The gateway's address comes with the bridge; old TCP connections are no reason to refuse.
  (void)::setsockopt(fd.get(), IPPROTO_IP, IP_FREEBIND, &on, sizeof on);
  if (is_tcp) (void)::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const auto at = socket_address(address, port);
  const bool is_bound =
      ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&at.storage), at.size) == 0 &&
      (!is_tcp || ::listen(fd.get(), 1) == 0);
  return is_bound || errno != EADDRINUSE;
}

Result<bool> has_address(const IpAddress& address) {
  const int family = address.family() == Family::ipv4 ? AF_INET : AF_INET6;
  const Fd fd{::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  if (!fd.is_open()) {
    if (errno == EAFNOSUPPORT) return false;
    return system_failure(errno, "open a socket");
  }
  const auto at = socket_address(address, 0);
  const bool is_bound =
      ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&at.storage), at.size) == 0;
  return is_bound || errno != EADDRNOTAVAIL;
}

}  // namespace burrow::host
