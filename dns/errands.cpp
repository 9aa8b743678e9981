#include "dns/errands.h"

#include <algorithm>
#include <cerrno>
#include <set>
#include <unordered_map>

#include "core/log.h"
#include "dns/race.h"
#include "dns/random.h"
#include "dns/upstream_sockets.h"

namespace burrow::dns {
namespace {

// A server that leaves a question so long is asked last for a while.
constexpr auto kSilence = std::chrono::milliseconds{1000};
// What aardvark-dns shares among the servers, which then have their turns
// strictly in order.
constexpr Clock::duration kAardvarkPatience = std::chrono::seconds{5};

Finding finding_of(const PendingQuestion& question, Bytes message) {
  switch (judge(message)) {
    case Judgement::failed:
      return Finding::failed;
    case Judgement::garbage:
      return Finding::broken;
    case Judgement::truncated:
      return relayed_response(question, message) ? Finding::truncated : Finding::broken;
    case Judgement::good:
      break;
  }
  if (!relayed_response(question, message)) return Finding::broken;
  return read_u16(&message[6]) == 0 ? Finding::negative : Finding::positive;
}

}  // namespace

class Errands::Implementation {
 public:
  Implementation(EventLoop& loop, Compatibility compatibility, Clock::duration patience,
                 Callback on_end)
      : is_aardvark_(compatibility == Compatibility::aardvark),
        patience_(is_aardvark_ ? kAardvarkPatience : patience),
        on_end_(std::move(on_end)),
        sockets_(loop, [this](auto handle, auto arrival,
                              Bytes message) { on_arrival(handle, arrival, message); }),
        timer_(loop, [this] { on_time(); }) {}

  void start(Token token, const PendingQuestion& question, std::vector<Upstream> servers) {
    const auto now = Clock::now();
    const Upstream first = servers[0];
    Turns turns{.servers = std::move(servers)};
    turns.trusted = turns.servers.size();
    if (!is_aardvark_) turns = health_.order(std::move(turns.servers), now);

    Race::Rules rules{.transport = question.transport, .patience = patience_};
    if (is_aardvark_) rules.on_failure = Race::Rules::OnFailure::relay;
    const auto share = patience_ / static_cast<Clock::rep>(turns.servers.size());
    for (const auto& server : turns.servers) {
      rules.turns.push_back(is_aardvark_ ? share : health_.turn_of(server));
    }
    Errand errand{.question = question, .first = first, .race = Race{turns, rules, now}};
    errand.tries.resize(turns.servers.size());
    errand.servers = std::move(turns.servers);
    Errand& kept = errands_.emplace(token, std::move(errand)).first->second;
    follow(token, kept, kept.race.begin(), {}, 0, now);
  }

  [[nodiscard]] bool is_asking(Token token, const IpAddress& server) const {
    const auto found = errands_.find(token);
    if (found == errands_.end()) return false;
    const Errand& errand = found->second;
    for (size_t i = 0; i < errand.servers.size(); ++i) {
      if (errand.tries[i].handle && errand.servers[i].address == server) return true;
    }
    return false;
  }

  [[nodiscard]] const ErrandCounts& counts() const { return counts_; }
  [[nodiscard]] const ServerHealth& health() const { return health_; }

 private:
  using Handle = UpstreamSockets::Handle;
  // One server that is being asked.
  struct Try {
    std::optional<Handle> handle;
    Transport transport = Transport::udp;
    Dialect dialect = Dialect::edns;
    Clock::time_point asked;
    bool is_overdue = false;
  };
  // A response that may be used if nothing better comes.
  struct Spare {
    std::vector<uint8_t> response;
    size_t server = 0;
  };
  // When the race is over, what is still out only tells about servers.
  struct Errand {
    PendingQuestion question;
    Upstream first;  // in line
    std::vector<Upstream> servers;
    std::vector<Try> tries;  // one per server
    Race race;
    Spare negative;
    Spare failure;
    Clock::time_point due;
    bool is_over = false;
  };
  struct Place {
    Token token;
    size_t server;
  };

  // Does what the race says; `message` of `server` is what it was about. May
  // end the errand.
  void follow(Token token, Errand& errand, Race::Decision decision, Bytes message, size_t server,
              Clock::time_point now) {
    for (;;) {
      if (decision.keep != Race::Keep::no) {
        auto& spare = decision.keep == Race::Keep::as_negative ? errand.negative : errand.failure;
        spare = {{message.begin(), message.end()}, server};
      }
      if (decision.end) return end(token, errand, *decision.end, message, server, now);
      if (decision.is_time_to_resend) {
        for (const Try& each : errand.tries) {
          if (each.handle) sockets_.send_again(*each.handle);
        }
      }
      for (const auto& ask : decision.asks) send(token, errand, ask, now);
      // What cannot even be sent is told to the race, which may ask others
      // instead. A probe goes out behind another question and need not be told.
      if (decision.asks.empty() || errand.tries[decision.asks[0].server].handle) break;
      server = decision.asks[0].server;
      message = {};
      decision = errand.race.found(server, Finding::unreachable, now);
    }
    set_due(token, errand);
  }

  void send(Token token, Errand& errand, const Race::Ask& ask, Clock::time_point now) {
    const Upstream& upstream = errand.servers[ask.server];
    Try& each = errand.tries[ask.server];
    close(each);
    if (!health_.is_reachable(upstream, now)) return;
    ++counts_.sent;
    if (ask.transport == Transport::tcp) ++counts_.over_tcp;
    each.dialect = health_.knows_edns(upstream, now) ? Dialect::edns : Dialect::plain;
    auto query = upstream_query(errand.question, random_.next<uint16_t>(), each.dialect);
    if (health_.keeps_case(upstream, now)) {
      mix_case(query, [this] { return random_.next<uint64_t>(); });
    }
    each = {.handle = sockets_.open(upstream, ask.transport, std::move(query)),
            .transport = ask.transport,
            .dialect = each.dialect,
            .asked = now};
    if (each.handle) {
      places_.emplace(*each.handle, Place{token, ask.server});
    } else if (errno == ENETUNREACH || errno == EHOSTUNREACH || errno == EADDRNOTAVAIL) {
      health_.was_unreachable(upstream, now);
    } else {
      health_.was_silent(upstream, now);
    }
  }

  void close(Try& each) {
    if (!each.handle) return;
    sockets_.close(*each.handle);
    places_.erase(*each.handle);
    each.handle.reset();
  }

  void on_arrival(Handle handle, UpstreamSockets::Arrival arrival, Bytes message) {
    const auto [token, server] = places_.at(handle);
    Errand& errand = errands_.at(token);
    const Upstream& upstream = errand.servers[server];
    const auto now = Clock::now();
    const auto transport = errand.tries[server].transport;
    const auto dialect = errand.tries[server].dialect;
    const auto asked = errand.tries[server].asked;
    close(errand.tries[server]);
    Finding finding = Finding::unreachable;
    switch (arrival) {
      case UpstreamSockets::Arrival::unreachable:
        log::debug("dns", "upstream {} could not be reached for {}", upstream.address.to_string(),
                   question_text(errand.question));
        if (transport == Transport::udp) health_.was_silent(upstream, now);
        break;
      case UpstreamSockets::Arrival::forged:
        ++counts_.forged;
        log::warn("dns", "answers of {} for {} look forged: asking over TCP",
                  upstream.address.to_string(), question_text(errand.question));
        finding = Finding::doubtful;
        break;
      case UpstreamSockets::Arrival::other_case:
        // Over TCP nobody can put answers in: it is the server itself. Over UDP
        // it is asked again, and where TCP fails without mixed case.
        health_.lost_case(upstream, now);
        if (transport == Transport::udp) {
          finding = Finding::doubtful;
          break;
        }
        [[fallthrough]];
      case UpstreamSockets::Arrival::response:
        health_.answered(upstream, now - asked);
        finding = finding_of(errand.question, message);
        if (!is_aardvark_ && errand.question.edns && dialect == Dialect::edns &&
            refuses_edns(message)) {
          health_.refused_edns(upstream, now);
          finding = Finding::without_edns;
        }
        break;
    }
    if (errand.is_over) return finish_if_idle(token, errand);
    follow(token, errand, errand.race.found(server, finding, now), message, server, now);
  }

  // The race is over. Tries that are still out go on as long as it takes to
  // tell a silent server from a slow one.
  void end(Token token, Errand& errand, Race::End how, Bytes message, size_t server,
           Clock::time_point now) {
    errand.is_over = true;
    Spare kept;
    if (how == Race::End::use_negative) kept = std::move(errand.negative);
    if (how == Race::End::use_failure) kept = std::move(errand.failure);
    if (how != Race::End::use_this) {
      message = kept.response;
      server = kept.server;
    }
    End ended{.token = token, .response = message, .servers = errand.servers.size()};
    if (!message.empty()) {
      ended.server = errand.servers[server].address;
      const auto finding = finding_of(errand.question, message);
      const bool is_answer = finding == Finding::positive || finding == Finding::negative;
      ended.worth = is_answer ? Worth::answer : Worth::failure;
      ended.is_beyond_doubt =
          finding == Finding::positive || errand.servers[server] == errand.first;
    }
    for (size_t i = 0; i < errand.servers.size(); ++i) {
      Try& each = errand.tries[i];
      if (!each.handle || (!each.is_overdue && errand.servers.size() > 1)) continue;
      health_.was_silent(errand.servers[i], now);
      close(each);
    }
    finish_if_idle(token, errand);
    // From here on the errand may be gone, and further ones may start.
    on_end_(ended);
  }

  void finish_if_idle(Token token, Errand& errand) {
    const bool is_out =
        std::ranges::any_of(errand.tries, [](const Try& each) { return each.handle.has_value(); });
    if (is_out) return set_due(token, errand);
    due_.erase({errand.due, token});
    errands_.erase(token);
  }

  void set_due(Token token, Errand& errand) {
    auto due = errand.is_over ? Clock::time_point::max() : errand.race.next_event();
    for (const Try& each : errand.tries) {
      if (each.handle && !each.is_overdue) due = std::min(due, each.asked + kSilence);
    }
    due_.erase({errand.due, token});
    errand.due = due;
    due_.insert({due, token});
    if (!timer_.is_running() || due < timer_due_) start_timer();
  }

  void start_timer() {
    timer_due_ = due_.begin()->first;
    timer_.start(std::max(timer_due_ - Clock::now(), Clock::duration{}));
  }

  void on_time() {
    const auto now = Clock::now();
    while (!due_.empty() && due_.begin()->first <= now) {
      const Token token = due_.begin()->second;
      Errand& errand = errands_.at(token);
      mark_overdue(errand, now);
      if (errand.is_over) {
        finish_if_idle(token, errand);
      } else if (errand.race.next_event() <= now) {
        follow(token, errand, errand.race.reached(now), {}, 0, now);
      } else {
        set_due(token, errand);
      }
    }
    if (!due_.empty() && !timer_.is_running()) start_timer();
  }

  // A server that leaves a question for so long is asked last from now on; when
  // nobody waits for this answer any more it is not waited for either.
  void mark_overdue(Errand& errand, Clock::time_point now) {
    for (size_t i = 0; i < errand.tries.size(); ++i) {
      Try& each = errand.tries[i];
      if (!each.handle || each.is_overdue || now < each.asked + kSilence) continue;
      each.is_overdue = true;
      if (errand.tries.size() > 1) health_.was_silent(errand.servers[i], now);
      if (errand.is_over) close(each);
    }
  }

  bool is_aardvark_;
  Clock::duration patience_;
  Callback on_end_;
  ServerHealth health_;
  ErrandCounts counts_;
  RandomNumbers random_;
  std::unordered_map<Token, Errand> errands_;
  std::unordered_map<Handle, Place> places_;
  std::set<std::pair<Clock::time_point, Token>> due_;
  Clock::time_point timer_due_;
  UpstreamSockets sockets_;
  Timer timer_;
};

Errands::Errands(EventLoop& loop, Compatibility compatibility, Clock::duration patience,
                 Callback on_end)
    : implementation_(
          std::make_unique<Implementation>(loop, compatibility, patience, std::move(on_end))) {}
Errands::~Errands() = default;

void Errands::start(Token token, const PendingQuestion& question, std::vector<Upstream> servers) {
  implementation_->start(token, question, std::move(servers));
}
bool Errands::is_asking(Token token, const IpAddress& server) const {
  return implementation_->is_asking(token, server);
}
const ErrandCounts& Errands::counts() const { return implementation_->counts(); }
const ServerHealth& Errands::health() const { return implementation_->health(); }

}  // namespace burrow::dns
