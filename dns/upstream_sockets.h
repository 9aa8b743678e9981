// Questions that are out at upstream servers: over UDP a socket for each with a random port of its
// own (RFC 5452), over TCP connections that they share (upstream_streams.h). Matches what comes
// back; decides nothing else: race.h says who is asked and forwarder.h what becomes of the answer.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "dns/answer.h"
#include "dns/event_loop.h"
#include "dns/upstream.h"

namespace burrow::dns {

class UpstreamSockets {
 public:
  enum class Arrival {
    response,     ///< its id and question are those of the query, to the letter
    other_case,   ///< the same, but for the case of the question (0x20)
    forged,       ///< too many datagrams that do not fit
    unreachable,  ///< refused, no route, or the connection broke
  };
  /// One query that is out; never used again after close().
  using Handle = uint64_t;
  /// Gets the handle, what arrived, and the message of the first two kinds. The socket is still
  /// open; the callback may close it, and open others.
  using Callback = std::function<void(Handle, Arrival, Bytes message)>;

  UpstreamSockets(EventLoop& loop, Callback on_arrival);
  ~UpstreamSockets();
  UpstreamSockets(const UpstreamSockets&) = delete;
  UpstreamSockets& operator=(const UpstreamSockets&) = delete;

  /// Sends `query`, a header and one question at least. Nothing when there is no descriptor or no
  /// way to the server: errno says which. No callback runs inside.
  std::optional<Handle> open(const Upstream& upstream, Transport transport,
                             std::vector<uint8_t> query);
  /// The same datagram once more; nothing to do over TCP.
  void send_again(Handle handle);
  void close(Handle handle);
  [[nodiscard]] size_t count() const;

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace burrow::dns
