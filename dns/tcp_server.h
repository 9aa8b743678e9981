// DNS over TCP: two bytes of length before each message, many messages per connection, answers in
// the order in which they are ready (RFC 7766). Decides nothing: answer.h does.
#pragma once

#include <memory>

#include "dns/event_loop.h"
#include "dns/udp_server.h"
#include "host/fd.h"

namespace burrow::dns {

/// Limits, so that no client can hold what others need.
struct TcpLimits {
  size_t connections = 512;  ///< of all listeners together; then the idlest goes
  size_t connections_per_client = 64;
  size_t outstanding_per_connection = 128;          ///< then reading waits
  size_t unread_bytes = size_t{256} * 1024;         ///< of replies that a client leaves; then too
  Clock::duration idle = std::chrono::seconds{10};  ///< without a whole message or a byte sent
};

/// The connections of all listeners of a loop, and their limits.
class TcpConnections {
 public:
  TcpConnections(EventLoop& loop, const Authority& authority, TcpLimits limits = {});
  ~TcpConnections();
  TcpConnections(const TcpConnections&) = delete;
  TcpConnections& operator=(const TcpConnections&) = delete;

  [[nodiscard]] size_t count() const;

 private:
  friend class TcpServer;
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

/// Accepts on one listening socket.
class TcpServer {
 public:
  /// `network` as for UdpServer. Connections outlive the server.
  TcpServer(EventLoop& loop, host::Fd socket, TcpConnections& connections, uint32_t network);
  ~TcpServer();
  TcpServer(const TcpServer&) = delete;
  TcpServer& operator=(const TcpServer&) = delete;

  /// Must be called whenever the zones were swapped; connections follow.
  void set_network(uint32_t network);

 private:
  void on_readable();

  host::Fd socket_;
  TcpConnections& connections_;
  // Shared with the connections; nothing once the network is gone.
  std::shared_ptr<std::optional<uint32_t>> network_;
  FdWatch watch_;
  Timer retry_;
};

}  // namespace burrow::dns
