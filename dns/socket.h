// Sockets as the daemon uses them: made, bound, and their addresses as values.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <vector>

#include "core/ip.h"
#include "core/result.h"
#include "host/fd.h"

namespace burrow::dns {

/// Room for a socket address of both families.
union SocketAddress {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
};

SocketAddress to_socket_address(const IpAddress& address, uint16_t port, uint32_t scope = 0);
socklen_t size_of(const SocketAddress& address);
IpAddress to_ip_address(const SocketAddress& address);

/// "10.0.0.1:53" or "[fd00::1]:53".
std::string endpoint_text(const IpAddress& address, uint16_t port);

/// Bound UDP sockets that do not block, `count` of them or one where the kernel cannot share an
/// address. Each client's datagrams come to one of them, chosen by its address, so that who fills
/// the queue of one takes nothing from the clients of the others. An IPv6 address may still be
/// tentative. Errors: already_exists when the address is taken, system.
Result<std::vector<host::Fd>> bind_udp(const IpAddress& address, uint16_t port, size_t count);
/// Listening TCP sockets that do not block; the same otherwise.
Result<std::vector<host::Fd>> listen_tcp(const IpAddress& address, uint16_t port, size_t count);

/// The addresses of all links of this network namespace with their prefix lengths.
std::vector<IpInterface> interface_addresses();

}  // namespace burrow::dns
