// What servers did and hold, as a value that goes from thread to thread. Shown by inspection.h.
#pragma once

#include <algorithm>
#include <map>

#include "dns/forwarder.h"
#include "dns/server_counts.h"

namespace burrow::dns {

struct ServerReport {
  ServerCounts counts;
  ForwarderCounts forwarding;
  ErrandCounts errands;
  size_t outstanding = 0;  ///< questions of clients that wait for upstreams
  size_t cache_entries = 0;
  size_t cache_bytes = 0;
  size_t connections = 0;  ///< over TCP
  std::map<Upstream, ServerHealth::Record> upstreams;

  /// Makes this the report of both. Of an upstream the shorter round trip counts, and what the more
  /// suspicious of them knows.
  void add(const ServerReport& other) {
    counts.udp += other.counts.udp;
    counts.tcp += other.counts.tcp;
    counts.forwarded += other.counts.forwarded;
    counts.dropped += other.counts.dropped;
    for (size_t i = 0; i < counts.answered.size(); ++i) {
      counts.answered[i] += other.counts.answered[i];
    }
    forwarding.forwarded += other.forwarding.forwarded;
    forwarding.coalesced += other.forwarding.coalesced;
    forwarding.refused += other.forwarding.refused;
    forwarding.failed += other.forwarding.failed;
    forwarding.cache_hits += other.forwarding.cache_hits;
    forwarding.stale += other.forwarding.stale;
    forwarding.refreshed += other.forwarding.refreshed;
    errands.sent += other.errands.sent;
    errands.over_tcp += other.errands.over_tcp;
    errands.forged += other.errands.forged;
    outstanding += other.outstanding;
    cache_entries += other.cache_entries;
    cache_bytes += other.cache_bytes;
    connections += other.connections;
    for (const auto& [upstream, theirs] : other.upstreams) {
      const auto [at, is_new] = upstreams.insert({upstream, theirs});
      if (is_new) continue;
      auto& ours = at->second;
      if (!ours.round_trip || (theirs.round_trip && *theirs.round_trip < *ours.round_trip)) {
        ours.round_trip = theirs.round_trip;
      }
      // An empty optional is less than every time.
      ours.silent_until = std::max(ours.silent_until, theirs.silent_until);
      ours.caseless_until = std::max(ours.caseless_until, theirs.caseless_until);
      ours.plain_until = std::max(ours.plain_until, theirs.plain_until);
    }
  }
};

}  // namespace burrow::dns
