// Servers side by side, each on a thread of its own and with nothing in common but the zones, which
// never change. The first is on the thread of the caller. What one of them does: server.h.
#pragma once

#include <functional>
#include <memory>

#include "core/result.h"
#include "dns/log_listeners.h"
#include "dns/server.h"

namespace burrow::dns {

class ServerThreads {
 public:
  /// `limits` are those of all together. What they log goes to `listeners`, on the caller's thread.
  /// `openings` is what opens names in lists, if anything is to; it must outlive this.
  ServerThreads(EventLoop& loop, size_t count, Compatibility compatibility,
                const ServerLimits& limits, LogListeners& listeners,
                NameOpenings* openings = nullptr);
  ~ServerThreads();
  ServerThreads(const ServerThreads&) = delete;
  ServerThreads& operator=(const ServerThreads&) = delete;

  [[nodiscard]] size_t count() const;
  /// The one on the thread of the caller, who may ask it anything.
  [[nodiscard]] const Server& first() const;

  /// Starts the other threads; until then for_each() is free of them. Signals that the caller
  /// blocks never come to them. Errors: system.
  Result<void> start();
  /// Ends and joins them.
  void stop();

  /// Runs `visit` for each server on that server's thread, side by side, and returns when all have
  /// run.
  void for_each(const std::function<void(size_t number, Server&)>& visit);
  /// What all did.
  [[nodiscard]] ServerReport report();

 private:
  class Thread;
  class LogChannel;

  std::unique_ptr<LogChannel> channel_;
  Server first_;
  std::vector<std::unique_ptr<Thread>> others_;
};

}  // namespace burrow::dns
