// The loop that everything with a descriptor or a clock runs on: epoll, level-triggered, and a set
// of deadlines. One thread; no callback runs inside a call. Why not Boost.Asio:
// docs/decisions/0009-dns-event-loop.md.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

namespace burrow::host {

using Clock = std::chrono::steady_clock;

class EventLoop {
 public:
  EventLoop();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  /// Runs callbacks until stop().
  void run();
  /// Makes run() return after the callback at hand.
  void stop();
  /// The loop sleeps once, so long or a little longer, before it looks again what has come: for who
  /// has answered all there was and expects so much more that it is cheaper to take together. The
  /// longest of a round counts.
  void rest(Clock::duration pause);

 private:
  friend class FdWatch;
  friend class Timer;
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

/// Tells when a descriptor can be read or written. The descriptor belongs to the caller and must
/// outlive the watch. May be destroyed in its own callback.
class FdWatch {
 public:
  using Callback = std::function<void()>;
  FdWatch(EventLoop& loop, int fd, Callback on_readable, Callback on_writable = {});
  ~FdWatch();
  FdWatch(const FdWatch&) = delete;
  FdWatch& operator=(const FdWatch&) = delete;

  /// The callback runs once, as soon as there is something to read, an error or the end.
  void await_readable();
  /// The callback runs once, as soon as something arrives that was not there at the last read. For
  /// who has read all there was: the kernel need not look whether that is so.
  void await_arrival();
  /// The same as await_readable() for room to write.
  void await_writable();

 private:
  friend class EventLoop;
  struct State;
  std::shared_ptr<State> state_;
};

/// Calls back once after a while. May be started again, also in its own callback.
class Timer {
 public:
  Timer(EventLoop& loop, std::function<void()> on_expiry);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  /// A timer that runs already starts anew.
  void start(Clock::duration after);
  void stop();
  [[nodiscard]] bool is_running() const;

 private:
  friend class EventLoop;
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace burrow::host
