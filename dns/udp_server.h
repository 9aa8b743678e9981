// Datagrams in and out, in batches. Decides nothing: answer.h does.
#pragma once

#include <memory>

#include "dns/event_loop.h"
#include "dns/forwarder.h"
#include "dns/server_counts.h"
#include "dns/zones.h"
#include "host/fd.h"

namespace burrow::dns {

class LateReplies;
class NameOpenings;
class QueryLog;

/// What all servers answer from. The zones are swapped whole on a reload.
struct Authority {
  std::shared_ptr<const Zones> zones;
  Forwarder& forwarder;
  ServerCounts& counts;
  const QueryLog* log = nullptr;  ///< null while nobody listens
  /// What opens names in lists of egress before replies leave; both or none.
  NameOpenings* openings = nullptr;
  LateReplies* late_replies = nullptr;

  /// Whether any reply may open something.
  [[nodiscard]] bool opens_names() const { return openings != nullptr && zones->has_lists(); }
};

/// Buffers for one batch of datagrams; one serves all sockets of a loop.
class DatagramBatch;
struct DatagramBatchDeleter {
  void operator()(DatagramBatch* batch) const;
};
using DatagramBatchPointer = std::unique_ptr<DatagramBatch, DatagramBatchDeleter>;
DatagramBatchPointer make_datagram_batch();

/// Answers on one bound UDP socket. Replies leave from the address that was asked, because the
/// socket is bound to it; a forwarded question keeps the socket open until it is answered.
class UdpServer {
 public:
  /// `network` is the index in the zones of the network whose address `socket` is bound to.
  UdpServer(EventLoop& loop, host::Fd socket, const Authority& authority, DatagramBatch& batch,
            uint32_t network);
  ~UdpServer();
  UdpServer(const UdpServer&) = delete;
  UdpServer& operator=(const UdpServer&) = delete;

  /// Must be called whenever the zones were swapped, before the loop goes on.
  void set_network(uint32_t network) { network_ = network; }

 private:
  void on_readable();
  void answer_batch(size_t count);
  // Adds the reply, and notes whether it has to wait for the firewall.
  void add_reply(size_t slot, const Client& client, Bytes written);
  void forward(size_t slot, const Query& query, std::span<const IpAddress> servers,
               const Client& client);
  // What sends a reply that comes later.
  [[nodiscard]] Forwarder::Sink sink_for(size_t slot, const Query& query,
                                         std::span<const IpAddress> servers,
                                         const Client& client) const;

  EventLoop& loop_;
  std::shared_ptr<host::Fd> socket_;
  const Authority& authority_;
  DatagramBatch& batch_;
  uint32_t network_;
  bool has_to_commit_ = false;  // before what was added leaves
  FdWatch watch_;
};

}  // namespace burrow::dns
