// The queries of one thread as lines of text, for whoever asked to see them: client, name, answer,
// time, upstream. Costs nothing while nobody did: the servers then have no log. Who listens:
// log_listeners.h.
#pragma once

#include <functional>
#include <string>

#include "dns/answer.h"
#include "dns/forwarder.h"

namespace burrow::dns {

/// Makes a line of JSON of each query.
class QueryLog {
 public:
  /// Gets each line, without its end.
  using Tell = std::function<void(std::string line)>;
  /// `tell` must be good as long as sinks of watch() are called.
  explicit QueryLog(Tell tell) : tell_(std::move(tell)) {}

  /// An answer of ours, or none: `reply` is empty then. `query` holds what was understood.
  void answered(const Zones& zones, const Client& client, const Query& query, Bytes reply,
                Clock::duration took) const;
  /// An upstream's answer that was still kept.
  void answered_from_cache(const Zones& zones, const Client& client, const Query& query,
                           Bytes reply, Clock::duration took) const;
  /// What tells of a forwarded query once its answer is there, and gives that on to `sink`.
  [[nodiscard]] Forwarder::Sink watch(const Zones& zones, const Client& client, const Query& query,
                                      std::span<const IpAddress> servers,
                                      Forwarder::Sink sink) const;

 private:
  Tell tell_;
};

}  // namespace burrow::dns
