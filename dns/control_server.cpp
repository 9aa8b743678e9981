#include "dns/control_server.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <list>

#include "core/log.h"
#include "host/local_socket.h"

namespace burrow::dns {
namespace {

constexpr size_t kConnections = 64;
constexpr size_t kLongestRequest = 8192;
// Of an answer that is being read slowly. One answer alone may be larger.
constexpr size_t kLargestBacklog = size_t{1} << 20U;
constexpr auto kPatience = std::chrono::seconds{10};
constexpr auto kAcceptRetry = std::chrono::milliseconds{100};

}  // namespace

class ControlServer::Implementation {
 public:
  Implementation(EventLoop& loop, host::Fd socket, Framing framing, Handler handler)
      : loop_(loop),
        socket_(std::move(socket)),
        framing_(framing),
        handler_(std::move(handler)),
        watch_(loop, socket_.get(), [this] { on_readable(); }),
        retry_(loop, [this] { watch_.await_readable(); }) {
    watch_.await_readable();
  }
  ~Implementation();

 private:
  class Connection;
  using Connections = std::list<std::shared_ptr<Connection>>;

  void on_readable();

  EventLoop& loop_;
  host::Fd socket_;
  Framing framing_;
  Handler handler_;
  Connections connections_;
  FdWatch watch_;
  Timer retry_;
};

class ControlServer::Implementation::Connection : public Conversation,
                                                  public std::enable_shared_from_this<Connection> {
 public:
  Connection(Implementation& owner, host::Fd socket)
      : owner_(&owner),
        socket_(std::move(socket)),
        watch_(std::make_unique<FdWatch>(
            owner.loop_, socket_.get(), [this] { on_readable(); }, [this] { on_writable(); })),
        patience_(std::make_unique<Timer>(owner.loop_, [this] { close(); })) {}

  void start(Connections::iterator position) {
    position_ = position;
    patience_->start(kPatience);
    watch_->await_readable();
  }

  bool say(std::string_view text) override {
    if (owner_ == nullptr || output_.size() > kLargestBacklog) return false;
    const bool was_waiting = !output_.empty();
    output_ += text;
    if (!was_waiting) flush();
    return owner_ != nullptr;
  }

  void finish() override {
    is_finished_ = true;
    if (output_.empty()) return close();
    patience_->start(kPatience);
  }

  void on_end(std::function<void()> callback) override { on_end_ = std::move(callback); }

  // The server goes: nothing may be touched any more.
  void orphan() {
    owner_ = nullptr;
    watch_.reset();
    patience_.reset();
    socket_.reset();
    if (const auto callback = std::exchange(on_end_, nullptr)) callback();
  }

 private:
  void on_readable() {
    std::array<char, 4096> part;
    const auto count = ::recv(socket_.get(), part.data(), part.size(), MSG_DONTWAIT);
    if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) return close();
    const auto self = shared_from_this();
    // What follows a request is read for the end's sake and means nothing.
    if (count > 0 && !has_request_) {
      input_.append(part.data(), static_cast<size_t>(count));
      take_request();
    }
    if (owner_ != nullptr) watch_->await_readable();
  }

  void take_request() {
    const bool is_line = owner_->framing_ == Framing::line;
    if (input_.find(is_line ? "\n" : "\r\n\r\n") == input_.npos) {
      if (input_.size() > kLongestRequest) close();
      return;
    }
    has_request_ = true;
    patience_->stop();
    auto request = std::exchange(input_, {});
    request.resize(request.find('\n'));
    if (request.ends_with('\r')) request.pop_back();
    owner_->handler_(request, shared_from_this());
  }

  void on_writable() {
    const auto self = shared_from_this();
    flush();
  }

  void flush() {
    const auto self = shared_from_this();
    size_t done = 0;
    while (done < output_.size()) {
      const auto count =
          ::send(socket_.get(), &output_[done], output_.size() - done, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0 && errno != EAGAIN) return close();
      if (count < 0) break;
      done += static_cast<size_t>(count);
    }
    output_.erase(0, done);
    if (!output_.empty()) {
      if (done > 0 && is_finished_) patience_->start(kPatience);
      return watch_->await_writable();
    }
    if (is_finished_) close();
  }

  void close() {
    if (owner_ == nullptr) return;
    const auto self = shared_from_this();
    auto& connections = owner_->connections_;
    orphan();
    connections.erase(position_);
  }

  Implementation* owner_;  // null once closed
  host::Fd socket_;
  std::unique_ptr<FdWatch> watch_;
  std::unique_ptr<Timer> patience_;
  Connections::iterator position_;
  std::string input_;
  std::string output_;
  std::function<void()> on_end_;
  bool has_request_ = false;
  bool is_finished_ = false;
};

ControlServer::Implementation::~Implementation() {
  for (const auto& connection : connections_) connection->orphan();
}

void ControlServer::Implementation::on_readable() {
  for (;;) {
    host::Fd peer{::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
    if (!peer.is_open()) {
      // Out of descriptors: asking at once again would spin.
      if (errno != EAGAIN && errno != ECONNABORTED) return retry_.start(kAcceptRetry);
      break;
    }
    if (connections_.size() >= kConnections) continue;
    if (framing_ == Framing::line && !host::is_trusted_peer(peer)) {
      log::warn("dns", "a process of another user was refused at the control socket");
      continue;
    }
    connections_.push_back(std::make_shared<Connection>(*this, std::move(peer)));
    connections_.back()->start(std::prev(connections_.end()));
  }
  watch_.await_readable();
}

ControlServer::ControlServer(EventLoop& loop, host::Fd socket, Framing framing, Handler handler)
    : implementation_(
          std::make_unique<Implementation>(loop, std::move(socket), framing, std::move(handler))) {}
ControlServer::~ControlServer() = default;

}  // namespace burrow::dns
