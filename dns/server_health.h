// What is remembered of upstream servers: how fast they are, which were silent
// lately, which do not keep the case of a question or know no EDNS. Pure: told
// the time. One question's way through them: race.h.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "dns/event_loop.h"
#include "dns/upstream.h"

namespace burrow::dns {

/// The servers of one question in the order of their turns.
struct Turns {
  std::vector<Upstream> servers;  ///< as configured, but silent ones last
  size_t trusted = 0;             ///< how many of them were not silent lately
  /// A silent one that is asked together with the first, to see whether it is
  /// back.
  std::optional<size_t> probe;
};

class ServerHealth {
 public:
  using Time = Clock::time_point;

  /// Puts `servers`, which stand in their configured order, in the order of
  /// their turns. At most one question in ten seconds is told to probe a silent
  /// server.
  Turns order(std::vector<Upstream> servers, Time now);
  /// How long to wait for this server before the next one is asked too.
  [[nodiscard]] Clock::duration turn_of(const Upstream& upstream) const;

  void answered(const Upstream& upstream, Clock::duration after);
  /// It cannot be reached or let a question wait for longer than servers
  /// should.
  void was_silent(const Upstream& upstream, Time now);

  /// False for a moment after a question could not even be sent to it: there is no way there, and
  /// finding that out costs as much as asking.
  [[nodiscard]] bool is_reachable(const Upstream& upstream, Time now) const;
  void was_unreachable(const Upstream& upstream, Time now);

  /// True unless it was seen lately to answer in another case than it was asked
  /// in (0x20).
  [[nodiscard]] bool keeps_case(const Upstream& upstream, Time now) const;
  void lost_case(const Upstream& upstream, Time now);

  /// True unless it was seen lately to refuse a question because of its OPT
  /// record.
  [[nodiscard]] bool knows_edns(const Upstream& upstream, Time now) const;
  void refused_edns(const Upstream& upstream, Time now);

  /// What is known of one server, to be shown.
  struct Record {
    std::optional<Clock::duration> round_trip;  ///< smoothed
    std::optional<Time> silent_until;           ///< asked last until then
    std::optional<Time> unreachable_until;      ///< not asked at all until then
    std::optional<Time> caseless_until;         ///< not asked in mixed case until then
    std::optional<Time> plain_until;            ///< not asked with an OPT record until then
  };
  [[nodiscard]] const std::map<Upstream, Record>& records() const { return records_; }

 private:
  Record& record_of(const Upstream& upstream);

  std::map<Upstream, Record> records_;
};

}  // namespace burrow::dns
