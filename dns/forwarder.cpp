#include "dns/forwarder.h"

#include <algorithm>
#include <array>
#include <deque>
#include <unordered_map>

#include "core/log.h"
#include "dns/client_shares.h"
#include "dns/question_key.h"
#include "dns/random.h"

namespace burrow::dns {
namespace {

using std::chrono::seconds;

constexpr auto kWarningInterval = seconds{1};
// RFC 8767 section 4 for answers past their time, RFC 9520 section 3.2 for failures.
constexpr auto kStaleTtl = seconds{30};
constexpr auto kFailureTtl = seconds{1};
// Kept answers that are asked for anew at the same time.
constexpr size_t kRefreshes = 256;

HashKey random_hash_key() {
  RandomNumbers random;
  return {random.next<uint64_t>(), random.next<uint64_t>()};
}

Rcode rcode_of(Bytes response) { return static_cast<Rcode>(read_u16(&response[2]) & kMaskRcode); }

}  // namespace

class Forwarder::Implementation {
 public:
  Implementation(EventLoop& loop, Compatibility compatibility, const ForwarderLimits& limits)
      : compatibility_(compatibility),
        limits_(limits),
        shares_(limits.outstanding, limits.outstanding_per_client),
        cache_(limits.cache, random_hash_key()),
        errands_(loop, compatibility, limits.patience,
                 [this](const Errands::End& end) { on_end(end); }),
        impatience_(loop, [this] { on_impatience(); }) {}

  void set_host_servers(std::vector<Upstream> servers) {
    if (servers == host_servers_) return;
    host_servers_ = std::move(servers);
    flush();
  }

  // What is out was asked of other servers or before the flush: it is neither joined nor kept.
  void flush() {
    cache_.clear();
    tokens_.clear();
    for (auto& [token, group] : groups_) group.is_to_be_kept = false;
  }

  std::optional<size_t> answer_from_cache(const Zones& zones, const Client& client,
                                          const Query& query, std::span<const IpAddress> servers,
                                          std::span<uint8_t> reply) {
    const QuestionKey key{query, servers};
    const auto found = cache_.find(key.bytes(), Clock::now());
    if (!found) return {};
    ++(found->is_stale ? counts_.stale : counts_.cache_hits);
    const auto size = write_found(*found, query, client.transport, reply);
    if (found->is_to_refresh) refresh(zones, key, query, client, servers);
    return size;
  }

  void forward(const Zones& zones, const Client& client, const Query& query,
               std::span<const IpAddress> servers, Sink sink) {
    Waiter waiter{{query, client.transport}, client.source, std::move(sink)};
    if (!shares_.take(client.source)) {
      ++counts_.refused;
      return refuse(waiter, Rcode::refused, ExtendedError::not_ready);
    }
    ++counts_.forwarded;
    const QuestionKey key{query, servers};
    if (const auto found = tokens_.find(std::string{key.bytes()}); found != tokens_.end()) {
      // A server that asks us what we are asking it would wait for itself.
      if (errands_.is_asking(found->second, client.source)) return fail_one(waiter, 0);
      ++counts_.coalesced;
      groups_.at(found->second).waiters.push_back(std::move(waiter));
      return;
    }
    auto chosen = choose_servers(zones, servers, client.source);
    if (chosen.empty()) return fail_one(waiter, 0);
    const auto question = waiter.question;
    const auto token = add_group(key);
    Group& group = groups_.at(token);
    group.waiters.push_back(std::move(waiter));
    if (cache_.find_stale(key.bytes(), Clock::now())) {
      impatient_.push_back({Clock::now() + limits_.patience_with_stale, token});
      if (!impatience_.is_running()) impatience_.start(limits_.patience_with_stale);
    }
    errands_.start(token, question, std::move(chosen));
  }

  [[nodiscard]] size_t outstanding() const { return shares_.taken(); }
  [[nodiscard]] const ForwarderCounts& counts() const { return counts_; }
  [[nodiscard]] const Errands& errands() const { return errands_; }
  [[nodiscard]] const Cache& cache() const { return cache_; }

 private:
  using Token = Errands::Token;
  using Source = Forwarder::Source;
  struct Waiter {
    PendingQuestion question;
    IpAddress client;
    Sink sink;
  };
  // Those who wait for one errand: nobody at first when a kept answer is asked for anew.
  struct Group {
    std::string key;
    std::vector<Waiter> waiters;
    bool is_to_be_kept = true;
    bool is_refresh = false;
  };
  struct Impatience {
    Clock::time_point at;
    Token token;
  };

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

  Token add_group(const QuestionKey& key) {
    const Token token = ++last_token_;
    tokens_.emplace(key.bytes(), token);
    groups_.emplace(token, Group{.key = std::string{key.bytes()}});
    return token;
  }

  void refresh(const Zones& zones, const QuestionKey& key, const Query& query, const Client& client,
               std::span<const IpAddress> servers) {
    if (refreshes_ >= kRefreshes || tokens_.contains(std::string{key.bytes()})) return;
    auto chosen = choose_servers(zones, servers, client.source);
    if (chosen.empty()) return;
    ++counts_.refreshed;
    ++refreshes_;
    const auto token = add_group(key);
    groups_.at(token).is_refresh = true;
    errands_.start(token, PendingQuestion{query, Transport::udp}, std::move(chosen));
  }

  void on_end(const Errands::End& end) {
    const auto found = groups_.find(end.token);
    Group group = std::move(found->second);
    groups_.erase(found);
    if (const auto held = tokens_.find(group.key);
        held != tokens_.end() && held->second == end.token) {
      tokens_.erase(held);
    }
    if (group.is_refresh) --refreshes_;
    const auto now = Clock::now();
    if (end.worth == Errands::Worth::answer) {
      if (group.is_to_be_kept) keep(group, end, now);
    } else if (group.is_to_be_kept && cache_.serve_stale(group.key, now)) {
      return give_stale(group.key, std::move(group.waiters), now);
    } else {
      keep_failure_of(group, end, now);
    }
    for (const Waiter& waiter : group.waiters) {
      const auto reply =
          end.response.empty() ? std::nullopt : relayed_response(waiter.question, end.response);
      if (!reply) {
        fail_one(waiter, end.servers);
        continue;
      }
      shares_.give_back(waiter.client);
      waiter.sink(*reply, {Source::Kind::upstream, end.server});
    }
  }

  void keep(const Group& group, const Errands::End& end, Clock::time_point now) {
    if (limits_.cache.bytes == 0) return;
    // The question of the response is as long as that of each client.
    const auto name_end = skip_name(end.response, kHeaderSize);
    if (!name_end) return;
    auto kept = keep_answer(end.response, *name_end + 4 - kHeaderSize);
    if (!kept) return;
    if (!end.is_beyond_doubt) kept->ttl = std::min(kept->ttl, kDoubtfulNegativeTtl);
    cache_.insert(group.key, *kept, now);
  }

  // So that clients who ask again at once do not set all servers in motion again. Not where
  // silence is the answer to failure.
  void keep_failure_of(const Group& group, const Errands::End& end, Clock::time_point now) {
    if (!group.is_to_be_kept || group.waiters.empty() ||
        compatibility_ == Compatibility::aardvark) {
      return;
    }
    if (!end.response.empty() && rcode_of(end.response) != Rcode::server_failure) return;
    cache_.insert(group.key, keep_failure(group.waiters[0].question.query(), kFailureTtl), now);
  }

  static size_t write_found(const Cache::Found& found, const Query& query, Transport transport,
                            std::span<uint8_t> reply) {
    Presentation presentation{.age = found.age};
    const auto rcode = rcode_of(found.response);
    if (found.is_stale) {
      presentation.stale_ttl = kStaleTtl;
      presentation.extended_error = rcode == Rcode::name_error ? ExtendedError::stale_no_such_name
                                                               : ExtendedError::stale_answer;
    } else if (rcode == Rcode::server_failure) {
      presentation.extended_error = ExtendedError::cached_error;
    }
    return write_kept(found.response, found.ttls, query, transport, presentation, reply);
  }

  void give_stale(const std::string& key, std::vector<Waiter> waiters, Clock::time_point now) {
    std::vector<uint8_t> reply(kMaximumMessageSize);
    for (const Waiter& waiter : waiters) {
      shares_.give_back(waiter.client);
      // Sinks may change what is kept.
      const auto found = cache_.find_stale(key, now);
      if (!found) {
        refuse(waiter, Rcode::server_failure, ExtendedError::network_error);
        continue;
      }
      ++counts_.stale;
      const auto size =
          write_found(*found, waiter.question.query(), waiter.question.transport, reply);
      waiter.sink(Bytes{reply}.first(size), {Source::Kind::cache, {}});
    }
  }

  // Those who have waited long enough get the old answer; the errand goes on for the next.
  void on_impatience() {
    const auto now = Clock::now();
    while (!impatient_.empty() && impatient_.front().at <= now) {
      const auto group = groups_.find(impatient_.front().token);
      impatient_.pop_front();
      if (group == groups_.end() || !group->second.is_to_be_kept) continue;
      if (!cache_.serve_stale(group->second.key, now)) continue;
      // By value: a sink may end this group.
      give_stale(std::string{group->second.key}, std::exchange(group->second.waiters, {}), now);
    }
    if (!impatient_.empty()) impatience_.start(impatient_.front().at - now);
  }

  // For one client: nobody answered.
  void fail_one(const Waiter& waiter, size_t server_count) {
    ++counts_.failed;
    shares_.give_back(waiter.client);
    warn(waiter, server_count);
    if (compatibility_ == Compatibility::aardvark) return waiter.sink({}, {});
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
    waiter.sink(Bytes{reply}.first(size), {});
  }

  Compatibility compatibility_;
  ForwarderLimits limits_;
  std::vector<Upstream> host_servers_;
  ClientShares shares_;
  ForwarderCounts counts_;
  Cache cache_;
  std::unordered_map<std::string, Token> tokens_;  // of errands that may be joined
  std::unordered_map<Token, Group> groups_;
  std::deque<Impatience> impatient_;
  size_t refreshes_ = 0;
  Token last_token_ = 0;
  Clock::time_point next_warning_;
  size_t failures_since_warning_ = 0;
  Errands errands_;
  Timer impatience_;
};

Forwarder::Forwarder(EventLoop& loop, Compatibility compatibility, const ForwarderLimits& limits)
    : implementation_(std::make_unique<Implementation>(loop, compatibility, limits)) {}
Forwarder::~Forwarder() = default;

void Forwarder::set_host_servers(std::vector<Upstream> servers) {
  implementation_->set_host_servers(std::move(servers));
}
std::optional<size_t> Forwarder::answer_from_cache(const Zones& zones, const Client& client,
                                                   const Query& query,
                                                   std::span<const IpAddress> servers,
                                                   std::span<uint8_t> reply) {
  return implementation_->answer_from_cache(zones, client, query, servers, reply);
}
void Forwarder::forward(const Zones& zones, const Client& client, const Query& query,
                        std::span<const IpAddress> servers, Sink sink) {
  implementation_->forward(zones, client, query, servers, std::move(sink));
}
void Forwarder::complete(const Zones& zones, const Client& client, AliasChase chase,
                         std::span<const IpAddress> servers, Sink sink) {
  const auto held = std::make_shared<const AliasChase>(std::move(chase));
  const auto query = held->query();
  std::vector<uint8_t> reply(kMaximumMessageSize);
  if (const auto known = answer_from_cache(zones, client, query, servers, reply)) {
    return sink(held->completed(Bytes{reply}.first(*known)), {Source::Kind::cache, {}});
  }
  forward(zones, client, query, servers,
          [held, sink = std::move(sink)](Bytes late, const Source& source) {
            // Silence stays silence.
            sink(late.empty() ? std::vector<uint8_t>{} : held->completed(late), source);
          });
}
void Forwarder::flush() { implementation_->flush(); }
size_t Forwarder::outstanding() const { return implementation_->outstanding(); }
const ForwarderCounts& Forwarder::counts() const { return implementation_->counts(); }
const Errands& Forwarder::errands() const { return implementation_->errands(); }
const Cache& Forwarder::cache() const { return implementation_->cache(); }

}  // namespace burrow::dns
