// Work for the thread of an event loop, handed over by other threads. Knows nothing of what it is.
#pragma once

#include <functional>
#include <mutex>
#include <vector>

#include "host/event_loop.h"
#include "host/fd.h"

namespace burrow::host {

/// Made and destroyed where the loop is; what has not run by then never does.
class Mailbox {
 public:
  using Work = std::function<void()>;

  explicit Mailbox(EventLoop& loop);
  ~Mailbox();
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  /// Has the loop run `work`, after what was posted before. May be called on any thread.
  void post(Work work);

 private:
  void on_readable();

  Fd wakeup_;
  std::mutex mutex_;
  std::vector<Work> waiting_;  // guarded by mutex_
  FdWatch watch_;
};

}  // namespace burrow::host
