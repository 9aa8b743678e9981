#include "host/link_watch.h"

#include <linux/rtnetlink.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace burrow::host {

Result<LinkWatch> LinkWatch::open() {
  Fd socket{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE)};
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = RTMGRP_LINK;
  if (!socket.is_open() ||
      ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return system_failure(errno, "listen to links");
  }
  return LinkWatch{std::move(socket)};
}

Result<void> LinkWatch::wait(std::chrono::steady_clock::time_point deadline) const {
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now())
            .count();
    if (left <= 0) return fail(Errc::timeout, "no link has changed");
    pollfd polled{socket_.get(), POLLIN, 0};
    const int ready = ::poll(&polled, 1, static_cast<int>(std::min<int64_t>(left, 60'000)));
    if (ready < 0 && errno != EINTR) return system_failure(errno, "poll");
    if (ready > 0) break;
  }
  // What it says does not matter, nor that some of it may have been lost (ENOBUFS).
  std::array<char, 16384> buffer;
  while (::recv(socket_.get(), buffer.data(), buffer.size(), 0) > 0) {
  }
  return {};
}

}  // namespace burrow::host
