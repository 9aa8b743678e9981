// One question's way through its servers: who is asked when, which answer
// counts, when to give up. Pure: told the time and what came back, it says what
// to do. Sockets: upstream_sockets.h.
#pragma once

#include <vector>

#include "dns/answer.h"
#include "dns/server_health.h"

namespace burrow::dns {

/// What a server's message, or its absence, comes to.
enum class Finding {
  positive,      ///< an answer
  negative,      ///< no such name, or nothing of this type
  truncated,     ///< to be asked again over TCP
  failed,        ///< SERVFAIL, REFUSED, NOTIMP or FORMERR: another server may do
                 ///< better
  without_edns,  ///< refused because of the OPT record: to be asked again
                 ///< without
  broken,        ///< a message that nobody can use
  doubtful,      ///< somebody may be forging answers: to be asked again over TCP
  unreachable,   ///< refused, no route, or the connection broke
};

class Race {
 public:
  using Time = Clock::time_point;
  struct Rules {
    Transport transport = Transport::udp;  ///< to ask over at first
    Clock::duration patience{};            ///< until the end
    std::vector<Clock::duration> turns;    ///< per server: how long it has before the next one
    enum class OnFailure { next_server, relay } on_failure = OnFailure::next_server;
  };

  struct Ask {
    size_t server = 0;
    Transport transport = Transport::udp;
  };
  /// What is to be done with the message that was just found.
  enum class Keep { no, as_negative, as_failure };
  enum class End { use_this, use_negative, use_failure, give_up };
  struct Decision {
    std::vector<Ask> asks;           ///< to be sent now
    bool is_time_to_resend = false;  ///< of all that is out over UDP
    Keep keep = Keep::no;
    std::optional<End> end;  ///< nothing is to be asked of the race any more
  };

  /// `turns` has at least one server and no more than `rules` has turns.
  Race(const Turns& turns, Rules rules, Time now);

  /// The first questions.
  Decision begin();
  Decision found(size_t server, Finding finding, Time now);
  Decision reached(Time now);
  /// When reached() is due.
  [[nodiscard]] Time next_event() const;

 private:
  enum class State : uint8_t { idle, out, done };
  struct Lane {
    State state = State::idle;
    Transport transport = Transport::udp;
    bool was_asked_over_tcp = false;
    bool may_return_to_udp = true;
    bool may_lose_edns = true;
    Time asked;
  };

  void ask(size_t server, Transport transport, Time now, Decision& decision);
  void ask_next(Time now, Decision& decision);
  void lose(size_t server, Time now, Decision& decision);
  void settle(Time now, Decision& decision);
  [[nodiscard]] std::optional<Time> negative_counts_at() const;
  [[nodiscard]] End failure() const;

  Rules rules_;
  std::vector<Lane> lanes_;
  size_t trusted_;
  std::optional<size_t> probe_;
  size_t next_ = 0;
  Time began_;
  Time next_turn_;
  Time next_resend_;
  int resends_ = 0;
  std::optional<size_t> negative_;  // the server that it came from
  bool has_failure_ = false;
};

}  // namespace burrow::dns
