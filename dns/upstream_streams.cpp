#include "dns/upstream_streams.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <list>
#include <map>
#include <unordered_map>
#include <vector>

#include "dns/random.h"
#include "dns/socket.h"
#include "host/fd.h"

namespace burrow::dns {
namespace {

constexpr uint16_t kDnsPort = 53;
// Of one connection at the same time; then there is a second one.
constexpr size_t kQuestions = 32;
// How long a connection waits for a further question. Servers wait about as long.
constexpr auto kIdle = std::chrono::seconds{8};
// How long a server that ends a connection after one answer gets one for each question.
constexpr auto kLoner = std::chrono::hours{1};
// Clients name servers, so how many are remembered is bounded.
constexpr size_t kRemembered = 4096;

}  // namespace

class UpstreamStreams::Implementation {
 public:
  Implementation(EventLoop& loop, Callback on_end) : loop_(loop), on_end_(std::move(on_end)) {}

  std::optional<uint16_t> open(Handle handle, const Upstream& upstream, Bytes query) {
    Connection* connection = find_connection(upstream);
    if (connection == nullptr) connection = connect(upstream);
    if (connection == nullptr) return {};
    const auto id = connection->next_id++;
    Question question{.handle = handle, .query = {query.begin(), query.end()}};
    write_u16(question.query.data(), id);
    put(*connection, id, std::move(question));
    return id;
  }

  void close(Handle handle) {
    const auto place = places_.find(handle);
    if (place == places_.end()) return;
    Connection& connection = *place->second.connection;
    connection.questions.erase(place->second.id);
    places_.erase(place);
    // Who was waited for in vain may be gone: the next question starts afresh.
    connection.is_worn = true;
    if (connection.questions.empty()) remove(connection);
  }

 private:
  struct Question {
    Handle handle = 0;
    std::vector<uint8_t> query;
    bool was_sent_before = false;  // on a connection that broke
  };
  struct Connection {
    Upstream upstream;
    host::Fd fd;
    std::unique_ptr<FdWatch> watch;
    std::unique_ptr<Timer> patience;
    std::map<uint16_t, Question> questions;  // by id
    std::vector<uint8_t> input;
    std::vector<uint8_t> output;
    uint16_t next_id = 0;
    size_t answers = 0;
    size_t answers_since_idle = 0;
    bool is_worn = false;  // not for new questions
    bool is_closed = false;
  };
  using ConnectionPointer = std::shared_ptr<Connection>;
  struct Place {
    Connection* connection = nullptr;
    uint16_t id = 0;
  };

  Connection* find_connection(const Upstream& upstream) {
    if (const auto loner = loners_.find(upstream); loner != loners_.end()) {
      if (loner->second > Clock::now()) return nullptr;
      loners_.erase(loner);
    }
    const auto found = std::ranges::find_if(connections_, [&](const ConnectionPointer& each) {
      return each->upstream == upstream && !each->is_worn && each->questions.size() < kQuestions;
    });
    return found == connections_.end() ? nullptr : found->get();
  }

  Connection* connect(const Upstream& upstream) {
    const int family = upstream.address.is_v4() ? AF_INET : AF_INET6;
    host::Fd fd{::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (!fd.is_open()) return nullptr;
    const auto name = to_socket_address(upstream.address, kDnsPort, upstream.scope);
    if (::connect(fd.get(), &name.any, size_of(name)) != 0 && errno != EINPROGRESS) return nullptr;
    const auto made = std::make_shared<Connection>();
    made->upstream = upstream;
    made->fd = std::move(fd);
    made->next_id = random_.next<uint16_t>();
    made->watch = std::make_unique<FdWatch>(
        loop_, made->fd.get(), [this, at = made.get()] { on_readable(*at); },
        [this, at = made.get()] { on_writable(*at); });
    made->patience = std::make_unique<Timer>(loop_, [this, at = made.get()] { remove(*at); });
    connections_.push_back(made);
    return made.get();
  }

  void put(Connection& connection, uint16_t id, Question question) {
    if (connection.questions.empty()) connection.answers_since_idle = 0;
    connection.patience->stop();
    std::array<uint8_t, 2> size;
    write_u16(size.data(), question.query.size());
    auto& output = connection.output;
    output.insert(output.end(), size.begin(), size.end());
    output.insert(output.end(), question.query.begin(), question.query.end());
    places_[question.handle] = {&connection, id};
    connection.questions[id] = std::move(question);
    connection.watch->await_writable();
    connection.watch->await_readable();
  }

  void on_writable(Connection& connection) {
    auto& output = connection.output;
    const auto count =
        ::send(connection.fd.get(), output.data(), output.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0 && errno != EAGAIN && errno != EINTR) return break_off(connection);
    if (count > 0) output.erase(output.begin(), output.begin() + count);
    if (!output.empty()) connection.watch->await_writable();
  }

  void on_readable(Connection& connection) {
    const auto self = pointer_to(connection);
    const auto count = ::recv(connection.fd.get(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) {
      return break_off(connection);
    }
    auto& input = connection.input;
    input.insert(input.end(), buffer_.begin(), buffer_.begin() + std::max<ssize_t>(count, 0));
    size_t taken = 0;
    while (!connection.is_closed && input.size() - taken >= 2) {
      const size_t size = read_u16(&input[taken]);
      if (input.size() - taken < 2 + size) break;
      // Whoever sends less than a header over its own connection is no resolver.
      if (size < kHeaderSize) return break_off(connection);
      take_message(connection, Bytes{input}.subspan(taken + 2, size));
      taken += 2 + size;
    }
    if (connection.is_closed) return;
    input.erase(input.begin(), input.begin() + static_cast<std::ptrdiff_t>(taken));
    connection.watch->await_readable();
  }

  void take_message(Connection& connection, Bytes message) {
    const auto found = connection.questions.find(read_u16(message.data()));
    // An answer that nobody waits for any more.
    if (found == connection.questions.end()) return;
    const auto handle = found->second.handle;
    connection.questions.erase(found);
    places_.erase(handle);
    ++connection.answers;
    ++connection.answers_since_idle;
    if (connection.questions.empty()) {
      if (connection.is_worn || loners_.contains(connection.upstream)) {
        remove(connection);
      } else {
        connection.patience->start(kIdle);
      }
    }
    on_end_(handle, message);
  }

  // The server or the network ended it. A server may end a connection that it has answered on: what
  // was out is asked once more, each question over a connection of its own.
  void break_off(Connection& connection) {
    const auto self = pointer_to(connection);
    auto questions = std::move(connection.questions);
    connection.questions.clear();
    remove(connection);
    if (!questions.empty() && connection.answers_since_idle > 0) {
      if (loners_.size() >= kRemembered) loners_.clear();
      loners_[connection.upstream] = Clock::now() + kLoner;
    }
    std::vector<Handle> lost;
    for (auto& [id, question] : questions) {
      const auto handle = question.handle;
      places_.erase(handle);
      const bool may_try_again = connection.answers > 0 && !question.was_sent_before;
      Connection* another = may_try_again ? connect(connection.upstream) : nullptr;
      if (another == nullptr) {
        lost.push_back(handle);
        continue;
      }
      question.was_sent_before = true;
      another->is_worn = true;
      put(*another, id, std::move(question));
    }
    for (const auto handle : lost) on_end_(handle, {});
  }

  ConnectionPointer pointer_to(const Connection& connection) const {
    return *std::ranges::find(connections_, &connection, &ConnectionPointer::get);
  }

  void remove(Connection& connection) {
    connection.is_closed = true;
    connection.watch.reset();
    connection.patience.reset();
    connection.fd.reset();
    std::erase_if(connections_, [&](const auto& each) { return each.get() == &connection; });
  }

  EventLoop& loop_;
  Callback on_end_;
  RandomNumbers random_;
  std::list<ConnectionPointer> connections_;
  std::unordered_map<Handle, Place> places_;
  std::map<Upstream, Clock::time_point> loners_;
  std::array<uint8_t, 65536> buffer_;
};

UpstreamStreams::UpstreamStreams(EventLoop& loop, Callback on_end)
    : implementation_(std::make_unique<Implementation>(loop, std::move(on_end))) {}
UpstreamStreams::~UpstreamStreams() = default;

std::optional<uint16_t> UpstreamStreams::open(Handle handle, const Upstream& upstream,
                                              Bytes query) {
  return implementation_->open(handle, upstream, query);
}
void UpstreamStreams::close(Handle handle) { implementation_->close(handle); }

}  // namespace burrow::dns
