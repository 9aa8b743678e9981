#include "dns/forwarder.h"

#include <algorithm>
#include <array>
#include <set>
#include <unordered_map>

#include "core/log.h"
#include "dns/client_shares.h"
#include "dns/name.h"
#include "dns/race.h"
#include "dns/random.h"
#include "dns/relay.h"
#include "dns/upstream_sockets.h"

namespace burrow::dns {
namespace {

constexpr auto kWarningInterval = std::chrono::seconds{1};
// A server that leaves a question so long is asked last for a while.
constexpr auto kSilence = std::chrono::milliseconds{1000};
// More than anyone waits for.
constexpr size_t kMaximumServers = 16;
// What aardvark-dns shares among the servers, which then have their turns strictly in order.
constexpr Clock::duration kAardvarkPatience = std::chrono::seconds{5};

}  // namespace

class Forwarder::Implementation {
 public:
  Implementation(EventLoop& loop, Compatibility compatibility, ForwarderLimits limits)
      : compatibility_(compatibility),
        limits_(limits),
        shares_(limits.outstanding, limits.outstanding_per_client),
        sockets_(loop, [this](auto handle, auto arrival,
                              Bytes message) { on_arrival(handle, arrival, message); }),
        timer_(loop, [this] { on_time(); }) {}

  void set_host_servers(std::vector<Upstream> servers) {
    if (servers == host_servers_) return;
    host_servers_ = std::move(servers);
    // What is out was asked of other servers: nobody may join it any more.
    tokens_.clear();
  }

  void forward(const Zones& zones, const Client& client, const Query& query,
               std::span<const IpAddress> servers, Sink sink) {
    Waiter waiter{{query, client.transport}, client.source, std::move(sink)};
    if (!shares_.take(client.source)) {
      ++counts_.refused;
      return refuse(waiter, Rcode::refused, ExtendedError::not_ready);
    }
    ++counts_.forwarded;
    const auto key = key_of(query, servers);
    if (const auto found = tokens_.find(key); found != tokens_.end()) {
      Errand& errand = errands_.at(found->second);
      // A server that asks us what we are asking it would wait for itself.
      if (is_asked(errand, client.source)) return fail_one(waiter, errand.servers.size());
      ++counts_.coalesced;
      errand.waiters.push_back(std::move(waiter));
      return;
    }
    auto chosen = choose_servers(zones, servers, client.source);
    if (chosen.empty()) return fail_one(waiter, 0);
    start(key, std::move(chosen), std::move(waiter));
  }

  [[nodiscard]] size_t outstanding() const { return shares_.taken(); }
  [[nodiscard]] const ForwarderCounts& counts() const { return counts_; }
  [[nodiscard]] const ServerHealth& health() const { return health_; }

 private:
  using Token = uint64_t;
  using Handle = UpstreamSockets::Handle;
  struct Waiter {
    PendingQuestion question;
    IpAddress client;
    Sink sink;
  };
  // One server that is being asked.
  struct Try {
    std::optional<Handle> handle;
    Transport transport = Transport::udp;
    Clock::time_point asked;
    bool is_overdue = false;
  };
  // One question on its way; when the race is over, what is still out only tells about servers.
  struct Errand {
    std::string key;
    PendingQuestion question;
    std::vector<Waiter> waiters;
    std::vector<Upstream> servers;
    std::vector<Try> tries;  // one per server
    Race race;
    std::vector<uint8_t> negative;  // responses that may be used if nothing better comes
    std::vector<uint8_t> failure;
    Clock::time_point due;
    bool is_over = false;
  };
  struct Place {
    Token token;
    size_t server;
  };

  // Everything that makes one question another: what is asked of whom with which flags.
  static std::string key_of(const Query& query, std::span<const IpAddress> servers) {
    std::string key;
    const auto flags =
        query.flags & (kFlagRecursionDesired | kFlagAuthenticData | kFlagCheckingDisabled);
    key += static_cast<char>(flags >> 8U);
    key += static_cast<char>(flags);
    key += !query.edns ? '0' : query.edns->is_dnssec_ok ? '2' : '1';
    key += static_cast<char>(query.type >> 8U);
    key += static_cast<char>(query.type);
    key += static_cast<char>(query.name_size);
    key += query.labels();
    for (const auto& server : servers) {
      key += server.is_v4() ? '4' : '6';
      const auto bytes = server.bytes();
      key.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    }
    return key;
  }

  std::vector<Upstream> choose_servers(const Zones& zones,
                                       std::span<const IpAddress> client_servers,
                                       const IpAddress& client) const {
    std::vector<Upstream> servers;
    for (const auto& address : client_servers) servers.push_back({.address = address});
    if (servers.empty()) servers = host_servers_;
    if (servers.size() > kMaximumServers) servers.resize(kMaximumServers);
    std::erase_if(servers, [&](const Upstream& upstream) {
      return zones.is_listen_address(upstream.address) || upstream.address.is_unspecified() ||
             upstream.address == client;
    });
    return servers;
  }

  static bool is_asked(const Errand& errand, const IpAddress& address) {
    for (size_t i = 0; i < errand.servers.size(); ++i) {
      if (errand.tries[i].handle && errand.servers[i].address == address) return true;
    }
    return false;
  }

  void start(const std::string& key, std::vector<Upstream> servers, Waiter waiter) {
    const auto now = Clock::now();
    const bool is_aardvark = compatibility_ == Compatibility::aardvark;
    Turns turns{.servers = std::move(servers)};
    turns.trusted = turns.servers.size();
    if (!is_aardvark) turns = health_.order(std::move(turns.servers), now);

    Race::Rules rules{.transport = waiter.question.transport,
                      .patience = is_aardvark ? kAardvarkPatience : limits_.patience};
    if (is_aardvark) rules.on_failure = Race::Rules::OnFailure::relay;
    const auto share = rules.patience / static_cast<Clock::rep>(turns.servers.size());
    for (const auto& server : turns.servers) {
      rules.turns.push_back(is_aardvark ? share : health_.turn_of(server));
    }
    const Token token = ++last_token_;
    Errand errand{
        .key = key, .question = waiter.question, .race = Race{turns, std::move(rules), now}};
    errand.tries.resize(turns.servers.size());
    errand.servers = std::move(turns.servers);
    errand.waiters.push_back(std::move(waiter));
    tokens_.emplace(key, token);
    Errand& kept = errands_.emplace(token, std::move(errand)).first->second;
    follow(token, kept, kept.race.begin(), {}, now);
  }

  // Does what the race says; `message` is what it was about. May end the errand.
  void follow(Token token, Errand& errand, Race::Decision decision, Bytes message,
              Clock::time_point now) {
    for (;;) {
      if (decision.keep == Race::Keep::as_negative) {
        errand.negative.assign(message.begin(), message.end());
      } else if (decision.keep == Race::Keep::as_failure) {
        errand.failure.assign(message.begin(), message.end());
      }
      if (decision.end) return end(token, errand, *decision.end, message, now);
      if (decision.is_time_to_resend) {
        for (const Try& each : errand.tries) {
          if (each.handle) sockets_.send_again(*each.handle);
        }
      }
      // What cannot even be sent is told to the race, which may ask others instead.
      std::optional<size_t> unsent;
      for (const auto& ask : decision.asks) {
        if (!send(token, errand, ask, now)) unsent = ask.server;
      }
      if (!unsent) break;
      if (decision.asks.size() > 1) {
        // Only a probe goes out together with another: it need not be told.
        const auto first = decision.asks[0].server;
        unsent = errand.tries[first].handle ? std::nullopt : std::optional{first};
        if (!unsent) break;
      }
      decision = errand.race.found(*unsent, Finding::unreachable, now);
      message = {};
    }
    set_due(token, errand);
  }

  bool send(Token token, Errand& errand, const Race::Ask& ask, Clock::time_point now) {
    const Upstream& upstream = errand.servers[ask.server];
    Try& each = errand.tries[ask.server];
    close(each);
    ++counts_.sent;
    if (ask.transport == Transport::tcp) ++counts_.over_tcp;
    auto query = upstream_query(errand.question, random_.next<uint16_t>());
    if (health_.keeps_case(upstream, now))
      mix_case(query, [this] { return random_.next<uint64_t>(); });
    each.handle = sockets_.open(upstream, ask.transport, std::move(query));
    each.transport = ask.transport;
    each.asked = now;
    each.is_overdue = false;
    if (!each.handle) {
      health_.was_silent(upstream, now);
      return false;
    }
    places_.emplace(*each.handle, Place{token, ask.server});
    return true;
  }

  void close(Try& each) {
    if (!each.handle) return;
    sockets_.close(*each.handle);
    places_.erase(*each.handle);
    each.handle.reset();
  }

  void on_arrival(Handle handle, UpstreamSockets::Arrival arrival, Bytes message) {
    const auto place = places_.at(handle);
    Errand& errand = errands_.at(place.token);
    Try& each = errand.tries[place.server];
    const Upstream& upstream = errand.servers[place.server];
    const auto now = Clock::now();
    const auto transport = each.transport;
    const auto asked = each.asked;
    close(each);
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
        // Over TCP nobody can put answers in: it is the server itself. Over UDP it is asked again,
        // and where TCP fails without mixed case.
        health_.lost_case(upstream, now);
        if (transport == Transport::udp) {
          finding = Finding::doubtful;
          break;
        }
        [[fallthrough]];
      case UpstreamSockets::Arrival::response:
        health_.answered(upstream, now - asked);
        finding = finding_of(errand.question, message);
        break;
    }
    if (errand.is_over) return finish_if_idle(place.token, errand);
    follow(place.token, errand, errand.race.found(place.server, finding, now), message, now);
  }

  static Finding finding_of(const PendingQuestion& question, Bytes message) {
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

  // The race is over: the clients get what there is, and tries that are still out go on as long as
  // it takes to tell a silent server from a slow one.
  void end(Token token, Errand& errand, Race::End how, Bytes message, Clock::time_point now) {
    errand.is_over = true;
    if (const auto found = tokens_.find(errand.key);
        found != tokens_.end() && found->second == token) {
      tokens_.erase(found);
    }
    const auto waiters = std::move(errand.waiters);
    std::vector<uint8_t> kept;
    if (how == Race::End::use_negative) kept = std::move(errand.negative);
    if (how == Race::End::use_failure) kept = std::move(errand.failure);
    const Bytes response = how == Race::End::use_this ? message : Bytes{kept};
    const size_t server_count = errand.servers.size();
    for (size_t i = 0; i < server_count; ++i) {
      Try& each = errand.tries[i];
      if (each.handle && (each.is_overdue || server_count == 1)) {
        health_.was_silent(errand.servers[i], now);
        close(each);
      }
    }
    finish_if_idle(token, errand);
    // From here on the errand may be gone. Sinks may come back with further questions.
    for (const Waiter& waiter : waiters) {
      const auto reply =
          response.empty() ? std::nullopt : relayed_response(waiter.question, response);
      if (!reply) {
        fail_one(waiter, server_count);
        continue;
      }
      shares_.give_back(waiter.client);
      waiter.sink(*reply);
    }
  }

  void finish_if_idle(Token token, Errand& errand) {
    const bool is_out =
        std::ranges::any_of(errand.tries, [](const Try& each) { return each.handle.has_value(); });
    if (is_out) return set_due(token, errand);
    due_.erase({errand.due, token});
    errands_.erase(token);
  }

  // For one client: nobody answered.
  void fail_one(const Waiter& waiter, size_t server_count) {
    ++counts_.failed;
    shares_.give_back(waiter.client);
    warn(waiter, server_count);
    if (compatibility_ == Compatibility::aardvark) return waiter.sink({});
    refuse(
        waiter, Rcode::server_failure,
        server_count == 0 ? ExtendedError::no_reachable_authority : ExtendedError::network_error);
  }

  // Containers must not be able to fill the log: one line a second says how many it stands for.
  void warn(const Waiter& waiter, size_t server_count) {
    ++failures_since_warning_;
    const auto now = Clock::now();
    if (now < next_warning_) return;
    next_warning_ = now + kWarningInterval;
    log::warn("dns",
              "no upstream answered {} of {}: {} asked ({} such failures since the last line)",
              question_text(waiter.question), waiter.client.to_string(), server_count,
              std::exchange(failures_since_warning_, 0));
  }

  static void refuse(const Waiter& waiter, Rcode rcode, ExtendedError why) {
    std::array<uint8_t, kUdpSize> reply;
    const auto size =
        failure_reply(waiter.question.query(), waiter.question.transport, rcode, why, reply);
    waiter.sink(Bytes{reply}.first(size));
  }

  static std::string question_text(const PendingQuestion& pending) {
    const auto& question = pending.question;
    return fmt::format(
        "\"{}\" type {}",
        name_text({reinterpret_cast<const char*>(question.data()), question.size() - 5}),
        read_u16(&question[question.size() - 4]));
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
        follow(token, errand, errand.race.reached(now), {}, now);
      } else {
        set_due(token, errand);
      }
    }
    if (!due_.empty() && !timer_.is_running()) start_timer();
  }

  // A server that leaves a question for so long is asked last from now on; when nobody waits for
  // this answer any more it is not waited for either.
  void mark_overdue(Errand& errand, Clock::time_point now) {
    for (size_t i = 0; i < errand.tries.size(); ++i) {
      Try& each = errand.tries[i];
      if (!each.handle || each.is_overdue || now < each.asked + kSilence) continue;
      each.is_overdue = true;
      if (errand.tries.size() > 1) health_.was_silent(errand.servers[i], now);
      if (errand.is_over) close(each);
    }
  }

  Compatibility compatibility_;
  ForwarderLimits limits_;
  std::vector<Upstream> host_servers_;
  ClientShares shares_;
  ServerHealth health_;
  ForwarderCounts counts_;
  RandomNumbers random_;
  std::unordered_map<Token, Errand> errands_;
  std::unordered_map<std::string, Token> tokens_;  // of those whose race is on
  std::unordered_map<Handle, Place> places_;
  std::set<std::pair<Clock::time_point, Token>> due_;
  Clock::time_point timer_due_;
  Token last_token_ = 0;
  Clock::time_point next_warning_;
  size_t failures_since_warning_ = 0;
  UpstreamSockets sockets_;
  Timer timer_;
};

Forwarder::Forwarder(EventLoop& loop, Compatibility compatibility, ForwarderLimits limits)
    : implementation_(std::make_unique<Implementation>(loop, compatibility, limits)) {}
Forwarder::~Forwarder() = default;

void Forwarder::set_host_servers(std::vector<Upstream> servers) {
  implementation_->set_host_servers(std::move(servers));
}

void Forwarder::forward(const Zones& zones, const Client& client, const Query& query,
                        std::span<const IpAddress> servers, Sink sink) {
  implementation_->forward(zones, client, query, servers, std::move(sink));
}

size_t Forwarder::outstanding() const { return implementation_->outstanding(); }
const ForwarderCounts& Forwarder::counts() const { return implementation_->counts(); }
const ServerHealth& Forwarder::health() const { return implementation_->health(); }

}  // namespace burrow::dns
