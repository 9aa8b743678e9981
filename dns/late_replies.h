// Replies that come from upstream and wait until the firewall has what they open: all of one turn
// of the loop wait for one transaction. Replies that open nothing do not wait.
#pragma once

#include <vector>

#include "dns/event_loop.h"
#include "dns/forwarder.h"
#include "dns/name_openings.h"

namespace burrow::dns {

class LateReplies {
 public:
  /// Both must outlive this.
  LateReplies(EventLoop& loop, NameOpenings& openings)
      : openings_(openings), turn_end_(loop, [this] { give(); }) {}
  LateReplies(const LateReplies&) = delete;
  LateReplies& operator=(const LateReplies&) = delete;
  ~LateReplies() = default;

  /// `sink` for a client that has `lists`. Must outlive whoever calls it.
  Forwarder::Sink hold(EgressLists lists, Forwarder::Sink sink);

 private:
  struct Held {
    std::vector<uint8_t> reply;
    Forwarder::Source source;
    Forwarder::Sink sink;
  };
  void give();

  NameOpenings& openings_;
  std::vector<Held> held_;
  Timer turn_end_;
};

}  // namespace burrow::dns
