// Connections to upstream servers: one carries many questions, whose answers come in any order, and
// waits a while for the next (RFC 7766). Tells answers apart by their ids; what an answer is worth
// is not known here.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "dns/answer.h"
#include "dns/event_loop.h"
#include "dns/upstream.h"

namespace burrow::dns {

class UpstreamStreams {
 public:
  /// One question that is out; the caller's, never used again after its end.
  using Handle = uint64_t;
  /// Gets the answer, or nothing when there will be none since the connection broke. The question
  /// has ended by then; others may be opened and closed.
  using Callback = std::function<void(Handle, Bytes message)>;

  UpstreamStreams(EventLoop& loop, Callback on_end);
  ~UpstreamStreams();
  UpstreamStreams(const UpstreamStreams&) = delete;
  UpstreamStreams& operator=(const UpstreamStreams&) = delete;

  /// Sends `query` under an id that no other question of its connection has; returns that id.
  /// Nothing when there is no descriptor or no way to the server. No callback runs inside.
  std::optional<uint16_t> open(Handle handle, const Upstream& upstream, Bytes query);
  /// Nobody waits for this answer any more. Nothing to do when it has ended.
  void close(Handle handle);

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace burrow::dns
