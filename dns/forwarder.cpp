#include "dns/forwarder.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <map>
#include <unordered_map>

#include "core/log.h"
#include "dns/name.h"
#include "dns/relay.h"

namespace burrow::dns {
namespace {

constexpr auto kTick = std::chrono::milliseconds{50};
// How long a server that let a question wait is asked after the others.
constexpr auto kSuspicion = std::chrono::seconds{10};
// A channel is replaced after so many questions, and with it its source port (RFC 5452).
constexpr size_t kQuestionsPerChannel = 64;
constexpr size_t kIdleChannels = 64;
constexpr auto kWarningInterval = std::chrono::seconds{1};
// More than anyone waits for.
constexpr size_t kMaximumServers = 16;
// What aardvark-dns shares among the servers, which then have their turns strictly in order.
constexpr Clock::duration kAardvarkPatience = std::chrono::seconds{5};
constexpr size_t kRememberedServers = 4096;

uint16_t random_id() {
  uint16_t id = 0;
  // Never short for so few bytes once the pool is ready.
  [[maybe_unused]] const auto count = ::getrandom(&id, sizeof id, 0);
  return id;
}

}  // namespace

class Forwarder::Implementation {
 public:
  Implementation(EventLoop& loop, Compatibility compatibility, ForwarderLimits limits)
      : loop_(loop),
        compatibility_(compatibility),
        limits_(limits),
        ticker_(loop, [this] { on_tick(); }) {}

  void set_host_servers(std::vector<Upstream> servers) { host_servers_ = std::move(servers); }

  void forward(const Zones& zones, const Client& client, const Query& query,
               std::span<const IpAddress> servers, Sink sink) {
    Pending pending{
        .question{query, client.transport}, .client = client.source, .sink = std::move(sink)};
    if (!has_room_for(client.source)) {
      return refuse(pending, Rcode::refused, ExtendedError::not_ready);
    }
    pending.servers = choose_servers(zones, servers);
    if (pending.servers.empty()) return give_up(pending);

    const bool is_aardvark = compatibility_ == Compatibility::aardvark;
    const Clock::duration patience = is_aardvark ? kAardvarkPatience : limits_.patience;
    const auto share = patience / static_cast<Clock::rep>(pending.servers.size());
    pending.deadline = Clock::now() + patience;
    pending.turn = is_aardvark ? share : std::min(share, limits_.next_server_after);
    ++clients_[client.source];
    const auto token = ++last_token_;
    outstanding_.emplace(token, std::move(pending));
    if (!ticker_.is_running()) ticker_.start(kTick);
    ask_next(token);
  }

  [[nodiscard]] size_t outstanding() const { return outstanding_.size(); }

 private:
  using Token = uint64_t;
  struct Pending {
    PendingQuestion question;
    IpAddress client;
    Sink sink;
    std::vector<Upstream> servers;
    size_t asked = 0;      // servers that had their turn
    size_t in_flight = 0;  // of them, those that may still answer
    Clock::time_point deadline;
    Clock::time_point next_turn;
    Clock::duration turn{};
    std::vector<uint8_t> last_failure;  // the last SERVFAIL, REFUSED, ... or cut answer, as a reply
  };
  struct ChannelKey {
    Upstream upstream;
    Transport transport;
    friend auto operator<=>(const ChannelKey&, const ChannelKey&) = default;
  };
  struct HashAddress {
    size_t operator()(const IpAddress& address) const {
      const auto bytes = address.bytes();
      return std::hash<std::string_view>{}(
          {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    }
  };

  [[nodiscard]] bool has_room_for(const IpAddress& client) const {
    const auto held = clients_.find(client);
    return outstanding_.size() < limits_.outstanding &&
           (held == clients_.end() || held->second < limits_.outstanding_per_client);
  }

  std::vector<Upstream> choose_servers(const Zones& zones,
                                       std::span<const IpAddress> client_servers) {
    std::vector<Upstream> servers;
    for (const auto& address : client_servers) servers.push_back({.address = address});
    if (servers.empty()) servers = host_servers_;
    if (servers.size() > kMaximumServers) servers.resize(kMaximumServers);
    std::erase_if(servers, [&](const Upstream& upstream) {
      return zones.is_listen_address(upstream.address) || upstream.address.is_unspecified();
    });
    if (compatibility_ == Compatibility::none) {
      const auto now = Clock::now();
      std::stable_partition(servers.begin(), servers.end(), [&](const Upstream& upstream) {
        const auto found = suspected_until_.find(upstream);
        return found == suspected_until_.end() || found->second < now;
      });
    }
    return servers;
  }

  void ask_next(Token token) {
    const auto found = outstanding_.find(token);
    if (found == outstanding_.end()) return;
    Pending& pending = found->second;
    const auto upstream = pending.servers[pending.asked++];
    pending.next_turn = Clock::now() + pending.turn;
    ask(token, pending, upstream, pending.question.transport);
  }

  // May end the question before it returns.
  void ask(Token token, Pending& pending, const Upstream& upstream, Transport transport) {
    ++pending.in_flight;
    auto* channel = find_channel({upstream, transport});
    if (channel == nullptr) {
      on_outcome(token, upstream, transport, UpstreamChannel::Outcome::unreachable, {});
      return;
    }
    const auto message = upstream_query(pending.question, random_id());
    channel->send(message, [this, token, upstream, transport](auto outcome, Bytes response) {
      on_outcome(token, upstream, transport, outcome, response);
    });
  }

  void on_outcome(Token token, const Upstream& upstream, Transport transport,
                  UpstreamChannel::Outcome outcome, Bytes response) {
    if (outcome == UpstreamChannel::Outcome::answered) {
      suspected_until_.erase(upstream);
    } else {
      suspect(upstream);
    }
    const auto found = outstanding_.find(token);
    if (found == outstanding_.end()) return;  // another server was faster, or it was too late
    Pending& pending = found->second;
    --pending.in_flight;
    if (outcome != UpstreamChannel::Outcome::answered) {
      log::debug("dns", "upstream {} {} for {}", upstream.address.to_string(),
                 outcome == UpstreamChannel::Outcome::timed_out ? "gave no answer"
                                                                : "could not be reached",
                 question_text(pending));
      // A server without TCP may still have an answer that fits.
      const bool is_tcp_refused = transport == Transport::tcp &&
                                  outcome == UpstreamChannel::Outcome::unreachable &&
                                  pending.question.transport == Transport::tcp;
      return is_tcp_refused ? ask(token, pending, upstream, Transport::udp) : go_on(token, pending);
    }
    switch (judge(response)) {
      case Judgement::truncated:
        if (transport == Transport::udp) {
          // Better than nothing, should the server not speak TCP.
          if (auto part = relayed_response(pending.question, response)) {
            pending.last_failure = *std::move(part);
          }
          return ask(token, pending, upstream, Transport::tcp);
        }
        [[fallthrough]];
      case Judgement::good:
        if (const auto reply = relayed_response(pending.question, response)) {
          return finish(token, *reply);
        }
        return go_on(token, pending);
      case Judgement::failed:
        if (auto reply = relayed_response(pending.question, response)) {
          if (compatibility_ == Compatibility::aardvark) return finish(token, *reply);
          pending.last_failure = *std::move(reply);
        }
        return go_on(token, pending);
      case Judgement::garbage:
        return go_on(token, pending);
    }
  }

  // One server has failed: the next one, or wait for those that are still out, or the end.
  void go_on(Token token, Pending& pending) {
    if (pending.asked < pending.servers.size()) {
      ask_next(token);
    } else if (pending.in_flight == 0) {
      end_in_failure(token, pending);
    }
  }

  void end_in_failure(Token token, Pending& pending) {
    if (!pending.last_failure.empty()) {
      const auto reply = std::move(pending.last_failure);
      return finish(token, reply);
    }
    Pending ended = take(token);
    give_up(ended);
  }

  void finish(Token token, Bytes reply) {
    const Pending ended = take(token);
    ended.sink(reply);
  }

  Pending take(Token token) {
    const auto found = outstanding_.find(token);
    Pending pending = std::move(found->second);
    outstanding_.erase(found);
    if (const auto client = clients_.find(pending.client); --client->second == 0) {
      clients_.erase(client);
    }
    return pending;
  }

  void give_up(const Pending& pending) {
    warn(pending);
    if (compatibility_ == Compatibility::aardvark) return pending.sink({});
    refuse(pending, Rcode::server_failure,
           pending.servers.empty() ? ExtendedError::no_reachable_authority
                                   : ExtendedError::network_error);
  }

  // Containers must not be able to fill the log: one line a second says how many it stands for.
  void warn(const Pending& pending) {
    ++failures_since_warning_;
    const auto now = Clock::now();
    if (now < next_warning_) return;
    next_warning_ = now + kWarningInterval;
    log::warn("dns",
              "no upstream answered {} of {}: {} asked ({} such failures since the last line)",
              question_text(pending), pending.client.to_string(), pending.servers.size(),
              std::exchange(failures_since_warning_, 0));
  }

  static void refuse(const Pending& pending, Rcode rcode, ExtendedError why) {
    std::array<uint8_t, kUdpSize> reply;
    const auto size =
        failure_reply(pending.question.query(), pending.question.transport, rcode, why, reply);
    pending.sink(Bytes{reply}.first(size));
  }

  static std::string question_text(const Pending& pending) {
    const auto& question = pending.question.question;
    return fmt::format(
        "\"{}\" type {}",
        name_text({reinterpret_cast<const char*>(question.data()), question.size() - 5}),
        read_u16(&question[question.size() - 4]));
  }

  void suspect(const Upstream& upstream) {
    if (suspected_until_.size() >= kRememberedServers) suspected_until_.clear();
    suspected_until_[upstream] = Clock::now() + kSuspicion;
  }

  UpstreamChannel* find_channel(const ChannelKey& key) {
    if (!sockets_) {
      auto opened = UpstreamSockets::open(loop_);
      if (!opened) return log_failure(opened.error());
      sockets_ = *std::move(opened);
    }
    auto& channel = channels_[key];
    if (channel && channel->carried() >= kQuestionsPerChannel) {
      retired_.push_back(std::move(channel));
    }
    if (!channel) {
      auto opened = UpstreamChannel::open(key.upstream, key.transport, *sockets_);
      if (!opened) {
        channels_.erase(key);
        return log_failure(opened.error());
      }
      channel = *std::move(opened);
    }
    return channel.get();
  }

  static UpstreamChannel* log_failure(const Error& error) {
    log::error("dns", "{}", error.message);
    return nullptr;
  }

  void on_tick() {
    const auto now = Clock::now();
    std::vector<Token> due;
    for (const auto& [token, pending] : outstanding_) {
      if (now >= pending.deadline || now >= pending.next_turn) due.push_back(token);
    }
    for (const Token token : due) {
      const auto found = outstanding_.find(token);
      if (found == outstanding_.end()) continue;
      Pending& pending = found->second;
      if (now >= pending.deadline) {
        end_in_failure(token, pending);
      } else if (pending.asked < pending.servers.size()) {
        suspect(pending.servers[pending.asked - 1]);
        ask_next(token);
      } else {
        pending.next_turn = pending.deadline;
      }
    }
    bool is_busy = !outstanding_.empty();
    // Callbacks may add channels: the map keeps its places, the list is walked by index.
    for (auto& [key, channel] : channels_) {
      if (channel && channel->outstanding() > 0) channel->tick();
      is_busy = is_busy || (channel && channel->outstanding() > 0);
    }
    for (size_t i = 0; i < retired_.size(); ++i) {
      if (retired_[i]->outstanding() > 0) retired_[i]->tick();
    }
    std::erase_if(retired_, [](const auto& channel) { return channel->outstanding() == 0; });
    if (channels_.size() > kIdleChannels) {
      std::erase_if(channels_, [](const auto& entry) {
        return !entry.second || entry.second->outstanding() == 0;
      });
    }
    if (is_busy || !retired_.empty()) ticker_.start(kTick);
  }

  EventLoop& loop_;
  Compatibility compatibility_;
  ForwarderLimits limits_;
  std::vector<Upstream> host_servers_;
  std::unordered_map<Token, Pending> outstanding_;
  std::unordered_map<IpAddress, size_t, HashAddress> clients_;
  std::map<Upstream, Clock::time_point> suspected_until_;
  Token last_token_ = 0;
  Clock::time_point next_warning_;
  size_t failures_since_warning_ = 0;
  std::unique_ptr<UpstreamSockets> sockets_;
  std::map<ChannelKey, std::unique_ptr<UpstreamChannel>> channels_;
  std::vector<std::unique_ptr<UpstreamChannel>> retired_;
  Timer ticker_;
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

}  // namespace burrow::dns
