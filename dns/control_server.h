// Requests of one line and answers of any length, over connections that are not for containers:
// the control socket and the metrics port. Knows no command: control.h does.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "dns/event_loop.h"
#include "host/fd.h"

namespace burrow::dns {

/// One request being answered. Outlives its connection; what is said then is lost.
class Conversation {
 public:
  virtual ~Conversation() = default;
  /// Queues `text`. False when the other end is gone, or leaves so much unread that this is lost.
  virtual bool say(std::string_view text) = 0;
  /// Closes once everything is sent.
  virtual void finish() = 0;
  /// `callback` runs once when the other end goes or was answered; before the connection is gone.
  virtual void on_end(std::function<void()> callback) = 0;
};

/// How a request ends.
enum class Framing : uint8_t {
  line,  ///< at the end of its line; the peer must be of our user
  http,  ///< at an empty line, as HTTP/1 has it; the request is the first line
};

/// Accepts on one listening socket.
class ControlServer {
 public:
  /// Called with a request without its line end; whoever answers says and finishes, now or later.
  using Handler = std::function<void(std::string_view request, std::shared_ptr<Conversation>)>;

  ControlServer(EventLoop& loop, host::Fd socket, Framing framing, Handler handler);
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace burrow::dns
