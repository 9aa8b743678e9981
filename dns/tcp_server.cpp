#include "dns/tcp_server.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <list>
#include <map>

#include "core/log.h"
#include "dns/late_replies.h"
#include "dns/query_log.h"
#include "dns/socket.h"

namespace burrow::dns {
namespace {

constexpr size_t kReadSize = 8192;
// What one connection may do before others, and those who ask over UDP, have their turn.
constexpr size_t kTurnMessages = 32;
constexpr size_t kTurnBytes = 16384;  // of replies
// How many connections are accepted before others have their turn.
constexpr int kAccepts = 64;
constexpr auto kAcceptRetry = std::chrono::milliseconds{100};

}  // namespace

class TcpConnections::Implementation {
 public:
  Implementation(EventLoop& loop, const Authority& authority, TcpLimits limits)
      : loop_(loop), authority_(authority), limits_(limits), sweeper_(loop, [this] { sweep(); }) {}

  void add(host::Fd socket, const IpAddress& client,
           std::shared_ptr<const std::optional<uint32_t>> network);
  [[nodiscard]] size_t count() const { return connections_.size(); }

 private:
  class Connection;
  using Position = std::list<std::shared_ptr<Connection>>::iterator;

  // To the end of the list: the front is always the one that was idle longest.
  void touch(Position position) { connections_.splice(connections_.end(), connections_, position); }
  void remove(Position position);
  void sweep();

  EventLoop& loop_;
  const Authority& authority_;
  TcpLimits limits_;
  std::array<uint8_t, kMaximumMessageSize> reply_;
  std::list<std::shared_ptr<Connection>> connections_;
  std::map<IpAddress, size_t> clients_;
  Timer sweeper_;
};

// One connection. Every error ends it; nothing is tried again.
class TcpConnections::Implementation::Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Implementation& owner, host::Fd socket, const IpAddress& client,
             std::shared_ptr<const std::optional<uint32_t>> network)
      : owner_(owner),
        client_(client),
        network_(std::move(network)),
        socket_(std::move(socket)),
        watch_(std::make_unique<FdWatch>(
            owner.loop_, socket_.get(), [this] { on_readable(); }, [this] { on_writable(); })) {}

  void start(Position position) {
    position_ = position;
    last_progress_ = Clock::now();
    await_input();
  }
  [[nodiscard]] const IpAddress& client() const { return client_; }
  [[nodiscard]] Clock::time_point last_progress() const { return last_progress_; }
  [[nodiscard]] bool is_waiting_for_us() const { return outstanding_ > 0; }
  // A forwarded question may hold the connection a little longer; its socket closes now.
  void detach() {
    is_closed_ = true;
    watch_.reset();
    socket_.reset();
  }

 private:
  void on_readable() {
    is_reading_ = false;
    const size_t before = input_.size();
    input_.resize(before + kReadSize);
    const auto count = ::recv(socket_.get(), &input_[before], kReadSize, MSG_DONTWAIT);
    input_.resize(before + static_cast<size_t>(std::max<ssize_t>(count, 0)));
    if (count == 0) {
      // A client may close its side and still wait for answers; half a message is no message.
      has_ended_ = true;
      input_.clear();
    } else if (count < 0 && errno != EAGAIN && errno != EINTR) {
      return close();
    }
    advance();
  }

  void on_writable() {
    is_writing_ = false;
    advance();
  }

  // Does whatever can be done now, and waits for the rest.
  void advance() {
    // Replies and forwards may come back here: only the outermost call goes on.
    if (is_advancing_ || is_closed_) return;
    is_advancing_ = true;
    const auto self = shared_from_this();
    const size_t turn_end = output_.size() + kTurnBytes;
    for (size_t i = 0; i < kTurnMessages && output_.size() < turn_end && has_room(); ++i) {
      if (!take_message()) break;
    }
    // Once for all of them: a client may send hundreds at once.
    input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(taken_));
    taken_ = 0;
    if (std::exchange(has_to_commit_, false)) [[unlikely]]
      owner_.authority_.openings->commit();
    const bool is_alive = flush();
    is_advancing_ = false;
    if (!is_alive) return close();
    if (has_ended_ && outstanding_ == 0 && output_.empty()) return close();
    // What is left of this turn is done when the socket can be written, which it most often can.
    const bool has_more_to_do = has_room() && has_message();
    if ((!output_.empty() || has_more_to_do) && !is_writing_) {
      is_writing_ = true;
      watch_->await_writable();
    }
    await_input();
  }

  [[nodiscard]] bool has_room() const {
    return outstanding_ < owner_.limits_.outstanding_per_connection &&
           output_.size() < owner_.limits_.unread_bytes;
  }

  void await_input() {
    if (is_reading_ || has_ended_ || is_closed_ || !has_room() || has_message()) return;
    is_reading_ = true;
    watch_->await_readable();
  }

  // Whether a whole message waits to be taken.
  [[nodiscard]] bool has_message() const {
    return input_.size() >= 2 && input_.size() >= size_t{2} + read_u16(input_.data());
  }

  // Answers the first message if it is here whole.
  bool take_message() {
    const auto rest = Bytes{input_}.subspan(taken_);
    if (rest.size() < 2) return false;
    const size_t size = read_u16(rest.data());
    if (rest.size() < 2 + size) return false;
    made_progress();
    respond(rest.subspan(2, size));
    taken_ += 2 + size;
    return true;
  }

  void respond(Bytes message) {
    if (!*network_) return;
    const Client client{**network_, client_, Transport::tcp};
    Query query;
    const Zones& zones = *owner_.authority_.zones;
    const auto& authority = owner_.authority_;
    ++authority.counts.tcp;
    const auto begin = authority.log == nullptr ? Clock::time_point{} : Clock::now();
    const auto verdict = answer(zones, client, message, query, owner_.reply_);
    if (const auto* reply = std::get_if<Reply>(&verdict)) {
      const auto written = Bytes{owner_.reply_}.first(reply->size);
      authority.counts.count_answer(written.data());
      if (authority.log != nullptr) [[unlikely]] {
        authority.log->answered(zones, client, query, written, Clock::now() - begin);
      }
      append(written, client);
    } else if (const auto* away = std::get_if<Forward>(&verdict)) {
      ++authority.counts.forwarded;
      const auto known =
          authority.forwarder.answer_from_cache(zones, client, query, away->servers, owner_.reply_);
      if (!known) return forward(zones, client, query, away->servers);
      const auto written = Bytes{owner_.reply_}.first(*known);
      if (authority.log != nullptr) [[unlikely]] {
        authority.log->answered_from_cache(zones, client, query, written, Clock::now() - begin);
      }
      append(written, client);
    } else if (const auto* chase = std::get_if<Chase>(&verdict)) {
      ++authority.counts.forwarded;
      const auto so_far = Bytes{owner_.reply_}.first(chase->size);
      authority.forwarder.complete(
          zones, client, AliasChase{query, Transport::tcp, so_far, chase->target}, chase->servers,
          begin_waiting(zones, client, query, chase->servers));
    } else {
      ++authority.counts.dropped;
    }
  }

  void forward(const Zones& zones, const Client& client, const Query& query,
               std::span<const IpAddress> servers) {
    owner_.authority_.forwarder.forward(zones, client, query, servers,
                                        begin_waiting(zones, client, query, servers));
  }

  // What writes a reply that comes later.
  Forwarder::Sink begin_waiting(const Zones& zones, const Client& client, const Query& query,
                                std::span<const IpAddress> servers) {
    ++outstanding_;
    const auto& authority = owner_.authority_;
    Forwarder::Sink sink = [self = shared_from_this()](Bytes late, const auto&) {
      --self->outstanding_;
      if (self->is_closed_) return;
      if (!late.empty()) self->append(late);
      self->advance();
    };
    if (authority.opens_names()) [[unlikely]] {
      auto lists = zones.lists_of(client.network, client.source);
      if (!lists.empty()) sink = authority.late_replies->hold(std::move(lists), std::move(sink));
    }
    if (authority.log != nullptr) [[unlikely]] {
      sink = authority.log->watch(zones, client, query, servers, std::move(sink));
    }
    return sink;
  }

  // A reply that was made at once; it leaves when all of this turn have been made.
  void append(Bytes reply, const Client& client) {
    const auto& authority = owner_.authority_;
    if (authority.opens_names()) [[unlikely]] {
      const auto lists = authority.zones->lists_of(client.network, client.source);
      has_to_commit_ |= !lists.empty() &&
                        authority.openings->note(lists, reply) == NameOpenings::Noted::to_commit;
    }
    append(reply);
  }

  void append(Bytes reply) {
    std::array<uint8_t, 2> size;
    write_u16(size.data(), reply.size());
    output_.insert(output_.end(), size.begin(), size.end());
    output_.insert(output_.end(), reply.begin(), reply.end());
  }

  // False when the connection is broken.
  bool flush() {
    while (!output_.empty()) {
      const auto count =
          ::send(socket_.get(), output_.data(), output_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (count < 0) return errno == EAGAIN || errno == EINTR;
      output_.erase(output_.begin(), output_.begin() + count);
      made_progress();
    }
    return true;
  }

  void made_progress() {
    last_progress_ = Clock::now();
    owner_.touch(position_);
  }

  void close() {
    if (is_closed_) return;
    owner_.remove(position_);
  }

  Implementation& owner_;
  IpAddress client_;
  std::shared_ptr<const std::optional<uint32_t>> network_;
  host::Fd socket_;
  std::unique_ptr<FdWatch> watch_;
  Position position_;
  Clock::time_point last_progress_;
  std::vector<uint8_t> input_;
  size_t taken_ = 0;  // of it, while messages are taken
  std::vector<uint8_t> output_;
  size_t outstanding_ = 0;
  bool is_reading_ = false;
  bool is_writing_ = false;
  bool has_ended_ = false;
  bool is_closed_ = false;
  bool is_advancing_ = false;
  bool has_to_commit_ = false;  // before what was appended leaves
};

void TcpConnections::Implementation::add(host::Fd socket, const IpAddress& client,
                                         std::shared_ptr<const std::optional<uint32_t>> network) {
  if (const auto held = clients_.find(client);
      held != clients_.end() && held->second >= limits_.connections_per_client) {
    return;  // closes it
  }
  if (connections_.size() >= limits_.connections) remove(connections_.begin());
  ++clients_[client];
  connections_.push_back(
      std::make_shared<Connection>(*this, std::move(socket), client, std::move(network)));
  connections_.back()->start(std::prev(connections_.end()));
  if (!sweeper_.is_running()) sweeper_.start(limits_.idle / 4);
}

void TcpConnections::Implementation::remove(Position position) {
  const auto connection = *position;
  connection->detach();
  connections_.erase(position);
  if (const auto held = clients_.find(connection->client()); --held->second == 0) {
    clients_.erase(held);
  }
}

void TcpConnections::Implementation::sweep() {
  const auto too_old = Clock::now() - limits_.idle;
  for (auto at = connections_.begin(); at != connections_.end();) {
    const auto position = at++;
    const auto& connection = *position;
    if (connection->last_progress() > too_old) break;
    // While we owe an answer the upstream's deadline counts, not this one.
    if (!connection->is_waiting_for_us()) remove(position);
  }
  if (!connections_.empty()) sweeper_.start(limits_.idle / 4);
}

TcpConnections::TcpConnections(EventLoop& loop, const Authority& authority, TcpLimits limits)
    : implementation_(std::make_unique<Implementation>(loop, authority, limits)) {}
TcpConnections::~TcpConnections() = default;
size_t TcpConnections::count() const { return implementation_->count(); }

TcpServer::TcpServer(EventLoop& loop, host::Fd socket, TcpConnections& connections,
                     uint32_t network)
    : socket_(std::move(socket)),
      connections_(connections),
      network_(std::make_shared<std::optional<uint32_t>>(network)),
      watch_(loop, socket_.get(), [this] { on_readable(); }),
      retry_(loop, [this] { watch_.await_readable(); }) {
  watch_.await_readable();
}

TcpServer::~TcpServer() { network_->reset(); }

void TcpServer::set_network(uint32_t network) { *network_ = network; }

void TcpServer::on_readable() {
  for (int i = 0; i < kAccepts; ++i) {
    SocketAddress client{};
    socklen_t size = sizeof client;
    host::Fd socket{::accept4(socket_.get(), &client.any, &size, SOCK_CLOEXEC | SOCK_NONBLOCK)};
    if (socket.is_open()) {
      connections_.implementation_->add(std::move(socket), to_ip_address(client), network_);
      continue;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      log::warn("dns", "accept: {}", std::strerror(errno));
      return retry_.start(kAcceptRetry);
    }
    if (errno == EAGAIN) break;
    // Anything else concerns a connection that is gone already.
  }
  watch_.await_readable();
}

}  // namespace burrow::dns
