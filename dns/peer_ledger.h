// What was opened in the firewall for names, until when, and what is to be written there. Pure:
// knows no netlink and no clock. Who writes: name_openings.h.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "dns/egress_list.h"
#include "firewall/named_peers.h"

namespace burrow::dns {

/// Bounds what clients and servers can make us and the kernel remember.
struct LedgerLimits {
  size_t per_owner = 1024;
  size_t in_all = 16'384;
};

/// How long an address stays open that was answered with `ttl`: no less than a minute, since
/// answers of servers that balance load live for seconds and connections are made a moment later;
/// no more than a day; and a minute more, since whoever asked keeps an address until its time is up
/// and connects then.
std::chrono::seconds opening_time(std::chrono::seconds ttl);

class PeerLedger {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit PeerLedger(LedgerLimits limits = {}) : limits_(limits) {}

  enum class Noted : uint8_t {
    standing,  ///< it stands for nearly as long, or longer: nothing is to be done
    to_write,
    full,  ///< one too many, and not noted
  };
  /// Notes that `name` stands for `peer` until `until`, never for a shorter time than before. To be
  /// longer by less than half a minute is not worth a transaction.
  Noted note(const firewall::NamedPeer& peer, Time until, std::string_view name,
             std::string comment, Time now);

  /// What was noted to be written, with the time that is left at `now`; it counts as written.
  std::vector<firewall::TimedPeer> take_unwritten(Time now);
  /// These were not written after all: what is noted about them next is to be written.
  void mark_unwritten(const std::vector<firewall::TimedPeer>& peers);
  /// All that is to stand at `now`; it counts as written.
  std::vector<firewall::TimedPeer> take_all(Time now);

  /// Whether `name` may still open `peer`.
  using IsListed = std::function<bool(const firewall::NamedPeer& peer, std::string_view name)>;
  /// Forgets what is not listed any more, and returns what of it may stand. A peer goes by the name
  /// that opened it last.
  std::vector<firewall::NamedPeer> forget_unlisted(const IsListed& is_listed, Time now);

  /// Whether a good part of what `owner` may have is free: no more than half of it stands, and no
  /// more than half of all. What ended may still count.
  [[nodiscard]] bool is_half_free(const ListOwner& owner) const;
  [[nodiscard]] size_t size() const { return entries_.size(); }
  /// How often all that stands was looked at for what ended.
  [[nodiscard]] size_t sweeps() const { return sweeps_; }

 private:
  struct Entry {
    Time until;
    std::string name;
    std::string comment;
    enum class State : uint8_t { unwritten, to_write, written } state = State::unwritten;
  };
  void forget_ended(Time now);
  [[nodiscard]] bool has_room(const ListOwner& owner) const;

  LedgerLimits limits_;
  std::map<firewall::NamedPeer, Entry> entries_;
  std::map<ListOwner, size_t> counts_;  // of entries
  std::vector<firewall::NamedPeer> unwritten_;
  Time last_sweep_{};
  Time next_sweep_ = Time::max();  ///< there is nothing to forget before
  size_t sweeps_ = 0;
};

}  // namespace burrow::dns
