#include "engine/port_reservation.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace burrow::engine {
namespace {

using host::Fd;

constexpr int kRandomTries = 15;

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

SocketAddress socket_address(const IpAddress& address, uint16_t port) {
  SocketAddress result;
  if (address.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&v4.sin_addr, address.bytes().data(), address.bytes().size());
    std::memcpy(&result.storage, &v4, sizeof v4);
    result.size = sizeof v4;
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    std::memcpy(&v6.sin6_addr, address.bytes().data(), address.bytes().size());
    std::memcpy(&result.storage, &v6, sizeof v6);
    result.size = sizeof v6;
  }
  return result;
}

struct Place {
  IpAddress address;
  Protocol protocol;
};

std::string describe(const Place& place, uint16_t port) {
  const auto address = place.address.is_v6() ? fmt::format("[{}]", place.address.to_string())
                                             : place.address.to_string();
  return fmt::format("{}:{}/{}", address, port, to_string(place.protocol));
}

Failure bind_failure(int code, const Place& place, uint16_t port) {
  if (code == EADDRINUSE) {
    return fail(Errc::already_exists, "cannot publish {}: address already in use",
                describe(place, port));
  }
  return system_failure(code, fmt::format("cannot publish {}", describe(place, port)));
}

Result<Fd> bind_one(const Place& place, uint16_t port) {
  const int type = place.protocol == Protocol::tcp ? SOCK_STREAM : SOCK_DGRAM;
  const int family = place.address.is_v4() ? AF_INET : AF_INET6;
  Fd fd{::socket(family, type | SOCK_CLOEXEC, 0)};
  if (!fd.is_open()) return bind_failure(errno, place, port);
  const int on = 1;
  // Both families are bound one by one: a host without IPv6 still holds the IPv4 port.
  if (family == AF_INET6) ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  // Connections of an earlier owner that linger in TIME_WAIT do not stand in the way.
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const auto target = socket_address(place.address, port);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&target.storage), target.size) != 0) {
    return bind_failure(errno, place, port);
  }
  // Two bound TCP sockets may share a port with SO_REUSEADDR until one of them listens.
  const int off = 0;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &off, sizeof off);
  return fd;
}

Result<uint16_t> bound_port(const Fd& fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&storage), &size) != 0) {
    return system_failure(errno, "read a socket's port");
  }
  if (storage.ss_family == AF_INET) {
    return ntohs(reinterpret_cast<const sockaddr_in*>(&storage)->sin_port);
  }
  return ntohs(reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_port);
}

// Hosts without IPv6 publish on IPv4 alone.
bool has_ipv6() {
  return bind_one({IpAddress::from_bytes(std::array<uint8_t, 16>{}), Protocol::tcp}, 0).has_value();
}

std::vector<Place> places_of(const PortRequest& request) {
  if (request.host_address) return {{*request.host_address, request.protocol}};
  std::vector<Place> places{{IpAddress::v4(0), request.protocol}};
  if (has_ipv6()) {
    places.push_back({IpAddress::from_bytes(std::array<uint8_t, 16>{}), request.protocol});
  }
  return places;
}

// Holds `count` ports from `first` at every place; all or none.
Result<std::vector<Fd>> hold(const PortRequest& request, uint16_t first) {
  std::vector<Fd> held;
  for (const auto& place : places_of(request)) {
    for (int offset = 0; offset < request.count; ++offset) {
      held.push_back(TRY(bind_one(place, static_cast<uint16_t>(first + offset))));
    }
  }
  return held;
}

// A port that the kernel says is free; it is let go again, and held by the next step.
Result<uint16_t> propose(const PortRequest& request) {
  const auto place = places_of(request).front();
  return bound_port(TRY(bind_one(place, 0)));
}

Result<void> reserve(const PortRequest& request, PortReservation& reservation) {
  PortMapping mapping{.host_address = request.host_address,
                      .host_port = request.host_port.value_or(0),
                      .container_port = request.container_port,
                      .count = request.count,
                      .protocol = request.protocol};
  const bool is_held = request.protocol != Protocol::sctp;
  std::vector<Fd> sockets;
  if (request.host_port) {
    TRY_VOID(check_ranges(mapping));
    if (is_held) sockets = TRY(hold(request, *request.host_port));
  } else {
    auto like = request;
    if (!is_held) like.protocol = Protocol::tcp;
    for (int attempt = 0; attempt < kRandomTries && mapping.host_port == 0; ++attempt) {
      const auto port = TRY(propose(like));
      if (port + request.count - 1 > UINT16_MAX) continue;
      auto held = hold(like, port);
      if (held) {
        sockets = *std::move(held);
        mapping.host_port = port;
      }
    }
    if (mapping.host_port == 0) {
      return fail(Errc::exhausted, "no {} consecutive free host ports for container port {}/{}",
                  request.count, request.container_port, to_string(request.protocol));
    }
  }
  reservation.mappings.push_back(mapping);
  for (auto& socket : sockets) reservation.sockets.push_back(std::move(socket));
  return {};
}

}  // namespace

Result<PortReservation> reserve_ports(const std::vector<PortRequest>& requests) {
  PortReservation reservation;
  for (const auto& request : requests) TRY_VOID(reserve(request, reservation));
  return reservation;
}

}  // namespace burrow::engine
