// Carries questions to upstream servers and their answers back: who may ask, identical questions
// asked once, and what each client gets in the end. Which server when is race.h, sockets are
// upstream_sockets.h, the messages relay.h.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "dns/answer.h"
#include "dns/command_line.h"
#include "dns/event_loop.h"
#include "dns/server_health.h"

namespace burrow::dns {

/// Limits, so that one container cannot starve another.
struct ForwarderLimits {
  size_t outstanding = 4096;  ///< questions of clients
  size_t outstanding_per_client = 512;
  Clock::duration patience = std::chrono::milliseconds{4500};  ///< then the client gets SERVFAIL
};

/// What was done so far.
struct ForwarderCounts {
  uint64_t forwarded = 0;  ///< questions of clients that were not refused
  uint64_t coalesced = 0;  ///< of them, those that were out already for somebody else
  uint64_t refused = 0;    ///< because of the limits
  uint64_t failed = 0;     ///< no server gave anything
  uint64_t sent = 0;       ///< queries to upstreams, without what was sent again
  uint64_t over_tcp = 0;   ///< of them
  uint64_t forged = 0;     ///< times that answers looked forged and TCP had to decide
};

class Forwarder {
 public:
  /// Gets the reply, or nothing when silence is the answer; called once.
  using Sink = std::function<void(Bytes reply)>;

  Forwarder(EventLoop& loop, Compatibility compatibility, ForwarderLimits limits = {});
  ~Forwarder();
  Forwarder(const Forwarder&) = delete;
  Forwarder& operator=(const Forwarder&) = delete;

  /// The servers of clients that have none of their own, from now on.
  void set_host_servers(std::vector<Upstream> servers);

  /// Asks `servers`, or the host's when there are none, passing over our own listen addresses and
  /// the client itself. `sink` may be called at once.
  void forward(const Zones& zones, const Client& client, const Query& query,
               std::span<const IpAddress> servers, Sink sink);

  /// Questions of clients that are not answered yet.
  [[nodiscard]] size_t outstanding() const;
  [[nodiscard]] const ForwarderCounts& counts() const;
  [[nodiscard]] const ServerHealth& health() const;

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace burrow::dns
