// What is asked and answered, told live to whoever listens at the control socket. Servers have one
// only while somebody does.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dns/answer.h"
#include "dns/control_server.h"
#include "dns/event_loop.h"
#include "dns/forwarder.h"

namespace burrow::dns {

/// Writes a line of JSON per query.
class QueryLog {
 public:
  QueryLog() = default;
  ~QueryLog() { *self_ = nullptr; }
  QueryLog(const QueryLog&) = delete;
  QueryLog& operator=(const QueryLog&) = delete;

  void add(std::shared_ptr<Conversation> listener);
  void remove(const Conversation* listener);
  [[nodiscard]] bool has_listeners() const { return !listeners_.empty(); }

  /// An answer of ours, or none: `reply` is empty then. `query` holds what was understood.
  void answered(const Zones& zones, const Client& client, const Query& query, Bytes reply,
                Clock::duration took);
  /// What tells of a forwarded query once its answer is there, and gives that on to `sink`.
  Forwarder::Sink watch(const Zones& zones, const Client& client, const Query& query,
                        std::span<const IpAddress> servers, Forwarder::Sink sink);

 private:
  struct Listener {
    std::shared_ptr<Conversation> conversation;
    size_t lost = 0;  // lines since the last one that it took
  };

  void tell(std::string line);

  std::vector<Listener> listeners_;
  // Sinks may come back when there is no log any more.
  std::shared_ptr<QueryLog*> self_ = std::make_shared<QueryLog*>(this);
};

}  // namespace burrow::dns
