#include "dhcp/sockets6.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace burrow::dhcp {
namespace {

constexpr uint16_t kClientPort6 = 546;
constexpr uint16_t kServerPort6 = 547;
constexpr int kMostAtOnce = 64;
constexpr size_t kLargestMessage = 4096;
// All_DHCP_Relay_Agents_and_Servers, ff02::1:2.
constexpr in6_addr kServers{{{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2}}};

Result<host::Fd> open_messages(const std::string& link) {
  host::Fd fd{::socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!fd.is_open()) return system_failure(errno, "open UDP socket of IPv6");
  const int on = 1;
  ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_BINDTODEVICE, link.c_str(),
                   static_cast<socklen_t>(link.size())) != 0) {
    return system_failure(errno, fmt::format("bind UDP socket to \"{}\"", link));
  }
  const sockaddr_in6 address{.sin6_family = AF_INET6, .sin6_port = htons(kClientPort6)};
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return system_failure(errno, "bind UDP socket to port 546");
  }
  return fd;
}

Result<host::Fd> open_addresses() {
  host::Fd fd{::socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE)};
  const sockaddr_nl address{.nl_family = AF_NETLINK, .nl_groups = RTMGRP_IPV6_IFADDR};
  if (!fd.is_open() ||
      ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return system_failure(errno, "watch addresses");
  }
  return fd;
}

}  // namespace

Result<Sockets6> Sockets6::open(Footing& footing) {
  auto messages = TRY(footing.thread.run([&] { return open_messages(footing.link.name); }));
  auto addresses = TRY(footing.thread.run([] { return open_addresses(); }));
  return Sockets6{std::move(messages), std::move(addresses), footing.link.index};
}

std::vector<Buffer> Sockets6::receive() const {
  std::vector<Buffer> payloads;
  std::array<uint8_t, kLargestMessage> buffer;
  for (int i = 0; i < kMostAtOnce; ++i) {
    const auto size = ::recv(messages_.get(), buffer.data(), buffer.size(), MSG_TRUNC);
    if (size < 0) break;
    if (static_cast<size_t>(size) > buffer.size()) continue;
    payloads.emplace_back(buffer.begin(), buffer.begin() + size);
  }
  return payloads;
}

void Sockets6::forget_changes() const {
  std::array<uint8_t, kLargestMessage> buffer;
  for (int i = 0; i < kMostAtOnce; ++i) {
    // ENOBUFS is a change as well, and leaves the rest to be read.
    if (::recv(addresses_.get(), buffer.data(), buffer.size(), 0) < 0 && errno != ENOBUFS) return;
  }
}

Result<Sockets6::Sent> Sockets6::multicast(Bytes payload) const {
  sockaddr_in6 address{.sin6_family = AF_INET6,
                       .sin6_port = htons(kServerPort6),
                       .sin6_addr = kServers,
                       .sin6_scope_id = link_};
  if (::sendto(messages_.get(), payload.data(), payload.size(), 0,
               reinterpret_cast<const sockaddr*>(&address), sizeof address) >= 0) {
    return Sent::yes;
  }
  if (errno == EADDRNOTAVAIL) return Sent::not_yet;
  return system_failure(errno, "send to DHCPv6 servers");
}

}  // namespace burrow::dhcp
