// Questions that go to upstream servers: who may ask, what is known already, identical questions
// asked once, and what each client gets in the end. The way through the servers is errands.h, what
// is kept cache.h.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "dns/alias_chase.h"
#include "dns/answer.h"
#include "dns/cache.h"
#include "dns/command_line.h"
#include "dns/errands.h"
#include "dns/event_loop.h"

namespace burrow::dns {

/// Limits, so that one container cannot starve another.
struct ForwarderLimits {
  size_t outstanding = 4096;  ///< questions of clients
  size_t outstanding_per_client = 512;
  Clock::duration patience = std::chrono::milliseconds{4500};  ///< then the client gets SERVFAIL
  /// When an old answer is there, clients wait no longer for a new one (RFC 8767 section 5).
  Clock::duration patience_with_stale = std::chrono::milliseconds{1800};
  CacheLimits cache;
};

/// What was done so far.
struct ForwarderCounts {
  uint64_t forwarded = 0;   ///< questions of clients that were neither kept nor refused
  uint64_t coalesced = 0;   ///< of them, those that were out already for somebody else
  uint64_t refused = 0;     ///< because of the limits
  uint64_t failed = 0;      ///< no server gave anything
  uint64_t cache_hits = 0;  ///< answered from what is kept
  uint64_t stale = 0;       ///< answered with what was past its TTL
  uint64_t refreshed = 0;   ///< kept answers that were asked for anew before they ended
};

class Forwarder {
 public:
  /// Whose a reply is.
  struct Source {
    enum class Kind : uint8_t { failure, cache, upstream } kind = Kind::failure;
    std::optional<IpAddress> server;  ///< that answered, of Kind::upstream
  };
  /// Gets the reply, or nothing when silence is the answer; called once.
  using Sink = std::function<void(Bytes reply, const Source& source)>;

  Forwarder(EventLoop& loop, Compatibility compatibility, const ForwarderLimits& limits = {});
  ~Forwarder();
  Forwarder(const Forwarder&) = delete;
  Forwarder& operator=(const Forwarder&) = delete;

  /// The servers of clients that have none of their own, from now on. Others than before: what was
  /// kept is forgotten.
  void set_host_servers(std::vector<Upstream> servers);

  /// Writes the reply to `query` when it is known already and returns its size. `servers` as for
  /// forward(), `reply` as for answer().
  std::optional<size_t> answer_from_cache(const Zones& zones, const Client& client,
                                          const Query& query, std::span<const IpAddress> servers,
                                          std::span<uint8_t> reply);

  /// Asks `servers`, or the host's when there are none, passing over our own listen addresses and
  /// the client itself. `sink` may be called at once.
  void forward(const Zones& zones, const Client& client, const Query& query,
               std::span<const IpAddress> servers, Sink sink);

  /// Gives `sink` the whole reply when what `servers` say of the alias's target is known; as
  /// forward() otherwise.
  void complete(const Zones& zones, const Client& client, AliasChase chase,
                std::span<const IpAddress> servers, Sink sink);

  /// Forgets what is kept.
  void flush();

  /// Questions of clients that are not answered yet.
  [[nodiscard]] size_t outstanding() const;
  [[nodiscard]] const ForwarderCounts& counts() const;
  [[nodiscard]] const Errands& errands() const;
  [[nodiscard]] const Cache& cache() const;

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace burrow::dns
