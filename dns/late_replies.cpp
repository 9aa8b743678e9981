#include "dns/late_replies.h"

#include <utility>

namespace burrow::dns {

Forwarder::Sink LateReplies::hold(EgressLists lists, Forwarder::Sink sink) {
  return [this, lists = std::move(lists), sink = std::move(sink)](Bytes reply,
                                                                  const Forwarder::Source& source) {
    if (openings_.note(lists, reply) == NameOpenings::Noted::nothing) return sink(reply, source);
    held_.push_back({{reply.begin(), reply.end()}, source, sink});
    if (!turn_end_.is_running()) turn_end_.start(Clock::duration::zero());
  };
}

void LateReplies::give() {
  openings_.commit();
  for (const auto& late : std::exchange(held_, {})) late.sink(late.reply, late.source);
}

}  // namespace burrow::dns
