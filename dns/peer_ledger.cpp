#include "dns/peer_ledger.h"

#include <algorithm>

namespace burrow::dns {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kLeastTtl{60};
constexpr seconds kMostTtl{std::chrono::hours{24}};
constexpr seconds kGrace{60};
// So that a name which is asked for all the time costs one transaction in that time.
constexpr seconds kNotWorth{30};
// A look at all that stands takes milliseconds, and clients can ask for one with every answer.
constexpr seconds kSweepInterval{1};

milliseconds time_left(PeerLedger::Time until, PeerLedger::Time now) {
  return std::max(std::chrono::duration_cast<milliseconds>(until - now), milliseconds{1});
}

}  // namespace

seconds opening_time(seconds ttl) { return std::clamp(ttl, kLeastTtl, kMostTtl) + kGrace; }

PeerLedger::Noted PeerLedger::note(const firewall::NamedPeer& peer, Time until,
                                   std::string_view name, std::string comment, Time now) {
  auto found = entries_.find(peer);
  if (found == entries_.end()) {
    if (!has_room(peer.owner) && next_sweep_ <= now) forget_ended(now);
    if (!has_room(peer.owner)) return Noted::full;
    ++counts_[peer.owner];
    found = entries_.emplace(peer, Entry{}).first;
    found->second.until = until;
    next_sweep_ = std::min(next_sweep_, std::max(until, last_sweep_ + kSweepInterval));
  }
  auto& entry = found->second;
  entry.name = name;
  const bool is_worth = until - entry.until > kNotWorth || entry.until <= now;
  if (entry.state == Entry::State::written && !is_worth) return Noted::standing;
  entry.until = std::max(entry.until, until);
  entry.comment = std::move(comment);
  // What is to be written already is written once.
  if (entry.state != Entry::State::to_write) unwritten_.push_back(peer);
  entry.state = Entry::State::to_write;
  return Noted::to_write;
}

std::vector<firewall::TimedPeer> PeerLedger::take_unwritten(Time now) {
  std::vector<firewall::TimedPeer> peers;
  for (const auto& peer : std::exchange(unwritten_, {})) {
    const auto found = entries_.find(peer);
    if (found == entries_.end() || found->second.state != Entry::State::to_write) continue;
    found->second.state = Entry::State::written;
    peers.push_back({peer, time_left(found->second.until, now), found->second.comment});
  }
  return peers;
}

void PeerLedger::mark_unwritten(const std::vector<firewall::TimedPeer>& peers) {
  for (const auto& one : peers) {
    if (const auto found = entries_.find(one.peer); found != entries_.end()) {
      found->second.state = Entry::State::unwritten;
    }
  }
}

std::vector<firewall::TimedPeer> PeerLedger::take_all(Time now) {
  forget_ended(now);
  unwritten_.clear();
  std::vector<firewall::TimedPeer> peers;
  for (auto& [peer, entry] : entries_) {
    entry.state = Entry::State::written;
    peers.push_back({peer, time_left(entry.until, now), entry.comment});
  }
  return peers;
}

std::vector<firewall::NamedPeer> PeerLedger::forget_unlisted(const IsListed& is_listed, Time now) {
  forget_ended(now);
  std::vector<firewall::NamedPeer> gone;
  for (const auto& [peer, entry] : entries_) {
    if (!is_listed(peer, entry.name)) gone.push_back(peer);
  }
  for (const auto& peer : gone) {
    entries_.erase(peer);
    if (--counts_[peer.owner] == 0) counts_.erase(peer.owner);
  }
  return gone;
}

// Until the soonest end there is nothing to forget, and then once in an interval.
void PeerLedger::forget_ended(Time now) {
  ++sweeps_;
  auto soonest = Time::max();
  std::erase_if(entries_, [&](const auto& one) {
    const auto& [peer, entry] = one;
    if (entry.until > now) {
      soonest = std::min(soonest, entry.until);
      return false;
    }
    if (--counts_[peer.owner] == 0) counts_.erase(peer.owner);
    return true;
  });
  last_sweep_ = now;
  next_sweep_ = std::max(soonest, now + kSweepInterval);
}

bool PeerLedger::has_room(const ListOwner& owner) const {
  const auto count = counts_.find(owner);
  return entries_.size() < limits_.in_all &&
         (count == counts_.end() || count->second < limits_.per_owner);
}

bool PeerLedger::is_half_free(const ListOwner& owner) const {
  const auto count = counts_.find(owner);
  return entries_.size() <= limits_.in_all / 2 &&
         (count == counts_.end() || count->second <= limits_.per_owner / 2);
}

}  // namespace burrow::dns
