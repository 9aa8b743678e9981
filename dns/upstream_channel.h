// One upstream server over one transport: a c-ares channel. It owns the sockets, matches answers to
// questions and sends again what stays unanswered. Which server is asked when: forwarder.h.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "core/ip.h"
#include "core/result.h"
#include "dns/answer.h"
#include "dns/event_loop.h"

namespace burrow::dns {

/// An upstream server; the port is always 53.
struct Upstream {
  IpAddress address;
  uint32_t scope = 0;  ///< link index of a link-local address; 0: none
  friend auto operator<=>(const Upstream&, const Upstream&) = default;
};

class UpstreamChannel;

/// Watches the sockets of all channels: one descriptor on the loop for any number of them.
class UpstreamSockets {
 public:
  static Result<std::unique_ptr<UpstreamSockets>> open(EventLoop& loop);
  ~UpstreamSockets();

 private:
  friend class UpstreamChannel;
  class Implementation;
  explicit UpstreamSockets(std::unique_ptr<Implementation> implementation);
  std::unique_ptr<Implementation> implementation_;
};

class UpstreamChannel {
 public:
  enum class Outcome {
    answered,     ///< with any message that fits the question
    timed_out,    ///< no answer to any of the tries
    unreachable,  ///< refused, no route, or the connection broke
  };
  using Callback = std::function<void(Outcome, Bytes)>;

  /// Errors: system when c-ares cannot be set up.
  static Result<std::unique_ptr<UpstreamChannel>> open(const Upstream& upstream,
                                                       Transport transport,
                                                       UpstreamSockets& sockets);
  /// Questions that are out are forgotten: their callbacks do not run.
  ~UpstreamChannel();

  /// Sends a query as it is, its id included. `callback` runs once, from process() or in the call.
  void send(Bytes message, Callback callback);
  /// Sends again or gives up what is due.
  void tick();
  [[nodiscard]] size_t outstanding() const;
  /// How many questions it has carried so far.
  [[nodiscard]] size_t carried() const;

 private:
  friend class UpstreamSockets;
  class Implementation;
  explicit UpstreamChannel(std::unique_ptr<Implementation> implementation);
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace burrow::dns
