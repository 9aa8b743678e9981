// Carries questions to upstream servers and their answers back: which server when, and when to give
// up. Sockets and retransmissions are c-ares' (upstream_channel.h); trimming is relay.h.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "dns/answer.h"
#include "dns/command_line.h"
#include "dns/event_loop.h"
#include "dns/upstream_channel.h"

namespace burrow::dns {

/// Limits, so that one container cannot starve another.
struct ForwarderLimits {
  size_t outstanding = 4096;
  size_t outstanding_per_client = 512;
  Clock::duration patience = std::chrono::milliseconds{4500};  ///< then the client gets SERVFAIL
  Clock::duration next_server_after = std::chrono::milliseconds{1000};
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

  /// Asks `servers`, or the host's when there are none, in order, passing over our own listen
  /// addresses and preferring those that answered lately. `sink` may be called at once.
  void forward(const Zones& zones, const Client& client, const Query& query,
               std::span<const IpAddress> servers, Sink sink);

  [[nodiscard]] size_t outstanding() const;

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace burrow::dns
