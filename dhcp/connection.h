// One caller: lines in, lines out, over a stream that does not block. Knows no command.
#pragma once

#include <functional>
#include <string>

#include "host/event_loop.h"
#include "host/fd.h"

namespace burrow::dhcp {

class Connection {
 public:
  /// Calls `on_line` for each line, without its end, and `on_end` once when the caller has gone or
  /// was sent away: for a line beyond the limit, or for having neither spoken nor read for
  /// 30 seconds while nothing was being done for it. Neither may destroy the connection at once.
  Connection(host::EventLoop& loop, host::Fd fd, std::function<void(std::string_view)> on_line,
             std::function<void()> on_end);

  /// Sends a line; the end is added.
  void send(std::string line);
  /// Whether the caller waits for us: then its silence is no reason to send it away.
  enum class Turn { callers, ours };
  void set_turn(Turn turn);
  [[nodiscard]] bool has_ended() const { return has_ended_; }

 private:
  void read();
  void write();
  void end();
  void take_lines();

  host::Fd fd_;
  std::function<void(std::string_view)> on_line_;
  std::function<void()> on_end_;
  host::FdWatch watch_;
  host::Timer silence_;
  std::string incoming_;
  std::string outgoing_;
  Turn turn_ = Turn::callers;
  bool has_ended_ = false;
};

}  // namespace burrow::dhcp
