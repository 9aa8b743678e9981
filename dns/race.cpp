#include "dns/race.h"

#include <algorithm>

namespace burrow::dns {
namespace {

using std::chrono::milliseconds;

// Datagrams get lost: they are sent again after 0.8 s and 2.4 s.
constexpr int kResends = 2;
constexpr auto kFirstResend = milliseconds{800};
// The servers of a host are not always equal: the first may know a company's names and the others
// not. So "no such name" of a later server counts only when the earlier ones have had so long.
constexpr auto kPrecedence = milliseconds{1000};

}  // namespace

Race::Race(const Turns& turns, Rules rules, Time now)
    : rules_(std::move(rules)),
      lanes_(turns.servers.size()),
      trusted_(turns.trusted),
      probe_(turns.probe),
      began_(now),
      next_turn_(now),
      next_resend_(now + kFirstResend) {}

Race::Decision Race::begin() {
  Decision decision;
  ask_next(began_, decision);
  if (probe_ && lanes_[*probe_].state == State::idle) {
    ask(*probe_, rules_.transport, began_, decision);
  }
  return decision;
}

Race::Decision Race::found(size_t server, Finding finding, Time now) {
  Decision decision;
  Lane& lane = lanes_[server];
  switch (finding) {
    case Finding::positive:
      decision.end = End::use_this;
      return decision;
    case Finding::negative:
      lane.state = State::done;
      if (!negative_ || server < *negative_) {
        negative_ = server;
        decision.keep = Keep::as_negative;
      }
      break;
    case Finding::failed:
      if (rules_.on_failure == Rules::OnFailure::relay) {
        decision.end = End::use_this;
        return decision;
      }
      has_failure_ = true;
      decision.keep = Keep::as_failure;
      lose(server, now, decision);
      break;
    case Finding::truncated:
      // Better than nothing, should the server not speak TCP.
      has_failure_ = true;
      decision.keep = Keep::as_failure;
      lane.may_return_to_udp = false;
      [[fallthrough]];
    case Finding::doubtful:
      if (lane.was_asked_over_tcp) {
        lose(server, now, decision);
      } else {
        ask(server, Transport::tcp, now, decision);
      }
      break;
    case Finding::without_edns:
      if (lane.may_lose_edns) {
        lane.may_lose_edns = false;
        ask(server, lane.transport, now, decision);
      } else {
        lose(server, now, decision);
      }
      break;
    case Finding::unreachable:
      if (lane.transport == Transport::tcp && lane.may_return_to_udp) {
        lane.may_return_to_udp = false;
        ask(server, Transport::udp, now, decision);
        break;
      }
      [[fallthrough]];
    case Finding::broken:
      lose(server, now, decision);
      break;
  }
  settle(now, decision);
  return decision;
}

Race::Decision Race::reached(Time now) {
  Decision decision;
  if (now >= began_ + rules_.patience) {
    decision.end = failure();
    return decision;
  }
  if (now >= next_turn_) ask_next(now, decision);
  if (now >= next_resend_ && resends_ < kResends) {
    decision.is_time_to_resend = true;
    ++resends_;
    next_resend_ = now + kFirstResend * 2;
  }
  settle(now, decision);
  return decision;
}

Race::Time Race::next_event() const {
  Time next = began_ + rules_.patience;
  if (next_ < lanes_.size()) next = std::min(next, next_turn_);
  if (resends_ < kResends) next = std::min(next, next_resend_);
  if (const auto counts = negative_counts_at()) next = std::min(next, *counts);
  return next;
}

void Race::ask(size_t server, Transport transport, Time now, Decision& decision) {
  Lane& lane = lanes_[server];
  if (lane.state == State::idle) lane.asked = now;
  lane.state = State::out;
  lane.transport = transport;
  lane.was_asked_over_tcp = lane.was_asked_over_tcp || transport == Transport::tcp;
  decision.asks.push_back({server, transport});
}

void Race::ask_next(Time now, Decision& decision) {
  while (next_ < lanes_.size() && lanes_[next_].state != State::idle) ++next_;
  if (next_ == lanes_.size()) return;
  next_turn_ = now + rules_.turns[next_];
  ask(next_++, rules_.transport, now, decision);
}

// One server has failed: the next one has its turn, unless a "no" only waits for earlier ones.
void Race::lose(size_t server, Time now, Decision& decision) {
  lanes_[server].state = State::done;
  if (!negative_) ask_next(now, decision);
}

// Ends the race when nothing better can come.
void Race::settle(Time now, Decision& decision) {
  if (decision.end) return;
  if (const auto counts = negative_counts_at(); counts && *counts <= now) {
    decision.end = decision.keep == Keep::as_negative ? End::use_this : End::use_negative;
    return;
  }
  const bool is_any_out =
      std::ranges::any_of(lanes_, [](const Lane& lane) { return lane.state == State::out; });
  if (is_any_out) return;
  ask_next(now, decision);
  if (decision.asks.empty()) decision.end = failure();
}

// At once when no earlier trusted server is out; nothing while there is no "no".
std::optional<Race::Time> Race::negative_counts_at() const {
  if (!negative_) return {};
  Time counts = began_;
  for (size_t server = 0; server < std::min(*negative_, trusted_); ++server) {
    if (lanes_[server].state != State::out) continue;
    counts = std::max(counts, lanes_[server].asked + kPrecedence);
  }
  return counts;
}

Race::End Race::failure() const {
  if (negative_) return End::use_negative;
  return has_failure_ ? End::use_failure : End::give_up;
}

}  // namespace burrow::dns
