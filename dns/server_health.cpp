#include "dns/server_health.h"

#include <algorithm>

namespace burrow::dns {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// How long a silent server is asked last, and then again while it does not come
// back.
constexpr auto kSuspicion = seconds{10};
// A host gets its network back at any moment, and no client should have to notice that late.
constexpr auto kUnreachableFor = milliseconds{100};
constexpr auto kCaselessFor = std::chrono::hours{1};
constexpr auto kPlainFor = std::chrono::hours{1};
// A server that needs three times as long as usual may be gone, or it asks half
// the world itself.
constexpr auto kShortestTurn = milliseconds{200};
constexpr auto kFirstTurn = milliseconds{300};
constexpr auto kLongestTurn = milliseconds{1000};
// Clients name servers, so how many are remembered is bounded.
constexpr size_t kRemembered = 4096;

}  // namespace

Turns ServerHealth::order(std::vector<Upstream> servers, Time now) {
  Turns turns{.servers = std::move(servers)};
  const auto is_trusted = [&](const Upstream& upstream) {
    const auto found = records_.find(upstream);
    return found == records_.end() || !found->second.silent_until;
  };
  const auto silent = std::stable_partition(turns.servers.begin(), turns.servers.end(), is_trusted);
  turns.trusted = static_cast<size_t>(silent - turns.servers.begin());
  for (auto each = silent; each != turns.servers.end() && turns.trusted > 0; ++each) {
    auto& until = records_.find(*each)->second.silent_until;
    if (*until > now) continue;
    until = now + kSuspicion;
    turns.probe = static_cast<size_t>(each - turns.servers.begin());
    break;
  }
  return turns;
}

Clock::duration ServerHealth::turn_of(const Upstream& upstream) const {
  const auto found = records_.find(upstream);
  if (found == records_.end() || !found->second.round_trip) return kFirstTurn;
  return std::clamp<Clock::duration>(*found->second.round_trip * 3, kShortestTurn, kLongestTurn);
}

void ServerHealth::answered(const Upstream& upstream, Clock::duration after) {
  Record& record = record_of(upstream);
  record.silent_until.reset();
  // As TCP smoothes its round trips (RFC 6298).
  record.round_trip = record.round_trip ? (*record.round_trip * 7 + after) / 8 : after;
}

void ServerHealth::was_silent(const Upstream& upstream, Time now) {
  record_of(upstream).silent_until = now + kSuspicion;
}

bool ServerHealth::is_reachable(const Upstream& upstream, Time now) const {
  const auto found = records_.find(upstream);
  return found == records_.end() || !found->second.unreachable_until ||
         *found->second.unreachable_until < now;
}

void ServerHealth::was_unreachable(const Upstream& upstream, Time now) {
  was_silent(upstream, now);
  record_of(upstream).unreachable_until = now + kUnreachableFor;
}

bool ServerHealth::keeps_case(const Upstream& upstream, Time now) const {
  const auto found = records_.find(upstream);
  return found == records_.end() || !found->second.caseless_until ||
         *found->second.caseless_until < now;
}

void ServerHealth::lost_case(const Upstream& upstream, Time now) {
  record_of(upstream).caseless_until = now + kCaselessFor;
}

bool ServerHealth::knows_edns(const Upstream& upstream, Time now) const {
  const auto found = records_.find(upstream);
  return found == records_.end() || !found->second.plain_until || *found->second.plain_until < now;
}

void ServerHealth::refused_edns(const Upstream& upstream, Time now) {
  record_of(upstream).plain_until = now + kPlainFor;
}

ServerHealth::Record& ServerHealth::record_of(const Upstream& upstream) {
  if (records_.size() >= kRemembered && !records_.contains(upstream)) records_.clear();
  return records_[upstream];
}

}  // namespace burrow::dns
