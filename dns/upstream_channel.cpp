#include "dns/upstream_channel.h"

#include <ares.h>
#include <sys/epoll.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <unordered_map>

#include "dns/socket.h"
#include "host/fd.h"

namespace burrow::dns {
namespace {

constexpr uint16_t kDnsPort = 53;
// Three tries after 0, 700 and 2100 ms; the last is waited for until 4.9 s.
constexpr int kTries = 3;
constexpr int kFirstTimeoutMs = 700;

}  // namespace

// An epoll of our own, watched as one descriptor, instead of one watch per short-lived socket.
class UpstreamSockets::Implementation {
 public:
  Implementation(EventLoop& loop, host::Fd epoll)
      : epoll_(std::move(epoll)), watch_(loop, epoll_.get(), [this] { on_ready(); }) {
    watch_.await_readable();
  }

  void watch(int fd, UpstreamChannel::Implementation* channel, uint32_t events) {
    epoll_event event{.events = events, .data = {.fd = fd}};
    if (events == 0) {
      ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
      channels_.erase(fd);
    } else if (channels_.insert_or_assign(fd, channel).second) {
      ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
    } else {
      ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
    }
  }

 private:
  void on_ready();

  host::Fd epoll_;
  FdWatch watch_;
  std::unordered_map<int, UpstreamChannel::Implementation*> channels_;
};

class UpstreamChannel::Implementation {
 public:
  Implementation(const Upstream& upstream, Transport transport,
                 UpstreamSockets::Implementation& sockets)
      : upstream_(upstream), transport_(transport), sockets_(sockets) {}
  Implementation(const Implementation&) = delete;
  Implementation& operator=(const Implementation&) = delete;
  ~Implementation() {
    is_closing_ = true;
    if (channel_ != nullptr) ares_destroy(channel_);
  }

  Result<void> open() {
    ares_options options{};
    // All of it is said here, so that c-ares reads no file of the host.
    options.flags = ARES_FLAG_NOCHECKRESP | ARES_FLAG_IGNTC | ARES_FLAG_NOSEARCH |
                    (transport_ == Transport::tcp ? ARES_FLAG_USEVC : 0);
    options.timeout = kFirstTimeoutMs;
    options.tries = kTries;
    options.ndots = 1;
    std::array<char, 2> lookups{"b"};
    options.lookups = lookups.data();
    in_addr placeholder_server{};
    options.servers = &placeholder_server;
    options.nservers = 1;
    options.sock_state_cb = &on_socket_state;
    options.sock_state_cb_data = this;
    const int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_NDOTS |
                     ARES_OPT_LOOKUPS | ARES_OPT_DOMAINS | ARES_OPT_SORTLIST | ARES_OPT_SERVERS |
                     ARES_OPT_SOCK_STATE_CB;
    if (const int code = ares_init_options(&channel_, &options, mask); code != ARES_SUCCESS) {
      return fail(Errc::system, "c-ares: {}", ares_strerror(code));
    }
    ares_addr_port_node server{};
    const auto bytes = upstream_.address.bytes();
    server.family = upstream_.address.is_v4() ? AF_INET : AF_INET6;
    std::copy(bytes.begin(), bytes.end(), reinterpret_cast<uint8_t*>(&server.addr));
    server.udp_port = kDnsPort;
    server.tcp_port = kDnsPort;
    if (const int code = ares_set_servers_ports(channel_, &server); code != ARES_SUCCESS) {
      return fail(Errc::system, "c-ares: {}", ares_strerror(code));
    }
    static constexpr ares_socket_functions kFunctions{
        .asocket = &make_socket,
        .aclose = &close_socket,
        .aconnect = &connect_socket,
        .arecvfrom = &receive,
        .asendv = &send_parts,
    };
    ares_set_socket_functions(channel_, &kFunctions, this);
    return {};
  }

  void send(Bytes message, Callback callback) {
    ++outstanding_;
    ++carried_;
    auto* question = new Question{this, std::move(callback)};  // freed in on_answer
    ares_send(channel_, message.data(), static_cast<int>(message.size()), &on_answer, question);
  }

  void process(ares_socket_t readable, ares_socket_t writable) {
    ares_process_fd(channel_, readable, writable);
  }

  [[nodiscard]] size_t outstanding() const { return outstanding_; }
  [[nodiscard]] size_t carried() const { return carried_; }

 private:
  struct Question {
    Implementation* channel;
    Callback callback;
  };

  static void on_answer(void* argument, int status, int /*timeouts*/, unsigned char* answer,
                        int size) {
    const std::unique_ptr<Question> question{static_cast<Question*>(argument)};
    --question->channel->outstanding_;
    if (question->channel->is_closing_) return;
    if (status == ARES_SUCCESS) {
      // Without its own EDNS c-ares shortens datagrams to 512 bytes; the buffer has them whole.
      const Bytes whole = question->channel->last_datagram_;
      const bool is_datagram = answer == whole.data();
      question->callback(Outcome::answered,
                         is_datagram ? whole : Bytes{answer, static_cast<size_t>(size)});
    } else {
      question->callback(status == ARES_ETIMEOUT ? Outcome::timed_out : Outcome::unreachable, {});
    }
  }

  static void on_socket_state(void* self, ares_socket_t fd, int is_readable, int is_writable) {
    auto* channel = static_cast<Implementation*>(self);
    channel->sockets_.watch(fd, channel,
                            (is_readable != 0 ? EPOLLIN : 0U) | (is_writable != 0 ? EPOLLOUT : 0U));
  }

  // The kernel chooses the port of each socket at random, and c-ares closes it as soon as nothing
  // is out.
  static ares_socket_t make_socket(int family, int type, int protocol, void* /*self*/) {
    return ::socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
  }
  static int close_socket(ares_socket_t fd, void* /*self*/) { return ::close(fd); }

  // c-ares knows no scope ids: they are put in here.
  static int connect_socket(ares_socket_t fd, const sockaddr* /*address*/, ares_socklen_t /*size*/,
                            void* self) {
    const auto& upstream = static_cast<Implementation*>(self)->upstream_;
    const auto name = to_socket_address(upstream.address, kDnsPort, upstream.scope);
    return ::connect(fd, &name.any, size_of(name));
  }
  static ares_ssize_t receive(ares_socket_t fd, void* into, size_t size, int flags, sockaddr* from,
                              ares_socklen_t* from_size, void* self) {
    const auto count = ::recvfrom(fd, into, size, flags, from, from_size);
    auto* channel = static_cast<Implementation*>(self);
    channel->last_datagram_ = {};
    if (channel->transport_ == Transport::udp && count > 0) {
      channel->last_datagram_ = {static_cast<const uint8_t*>(into), static_cast<size_t>(count)};
    }
    return count;
  }
  static ares_ssize_t send_parts(ares_socket_t fd, const iovec* parts, int count, void* /*self*/) {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(parts);
    message.msg_iovlen = static_cast<size_t>(count);
    return ::sendmsg(fd, &message, MSG_NOSIGNAL);
  }

  Upstream upstream_;
  Transport transport_;
  UpstreamSockets::Implementation& sockets_;
  ares_channel channel_ = nullptr;
  Bytes last_datagram_;  // in c-ares' buffer, while it is processed
  size_t outstanding_ = 0;
  size_t carried_ = 0;
  bool is_closing_ = false;
};

void UpstreamSockets::Implementation::on_ready() {
  std::array<epoll_event, 64> events;
  for (;;) {
    const int count = ::epoll_wait(epoll_.get(), events.data(), events.size(), 0);
    if (count <= 0) break;
    for (const auto& event : std::span{events}.first(static_cast<size_t>(count))) {
      // An earlier event may have closed this socket.
      const auto channel = channels_.find(event.data.fd);
      if (channel == channels_.end()) continue;
      const bool is_readable = (event.events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0;
      const bool is_writable = (event.events & (EPOLLOUT | EPOLLERR)) != 0;
      channel->second->process(is_readable ? event.data.fd : ARES_SOCKET_BAD,
                               is_writable ? event.data.fd : ARES_SOCKET_BAD);
    }
  }
  watch_.await_readable();
}

UpstreamSockets::UpstreamSockets(std::unique_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {}
UpstreamSockets::~UpstreamSockets() = default;

Result<std::unique_ptr<UpstreamSockets>> UpstreamSockets::open(EventLoop& loop) {
  host::Fd epoll{::epoll_create1(EPOLL_CLOEXEC)};
  if (!epoll.is_open()) return system_failure(errno, "epoll");
  return std::unique_ptr<UpstreamSockets>{
      new UpstreamSockets{std::make_unique<Implementation>(loop, std::move(epoll))}};
}

UpstreamChannel::UpstreamChannel(std::unique_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {}
UpstreamChannel::~UpstreamChannel() = default;

Result<std::unique_ptr<UpstreamChannel>> UpstreamChannel::open(const Upstream& upstream,
                                                               Transport transport,
                                                               UpstreamSockets& sockets) {
  auto implementation =
      std::make_unique<Implementation>(upstream, transport, *sockets.implementation_);
  TRY_VOID(implementation->open());
  return std::unique_ptr<UpstreamChannel>{new UpstreamChannel{std::move(implementation)}};
}

void UpstreamChannel::send(Bytes message, Callback callback) {
  implementation_->send(message, std::move(callback));
}
void UpstreamChannel::tick() { implementation_->process(ARES_SOCKET_BAD, ARES_SOCKET_BAD); }
size_t UpstreamChannel::outstanding() const { return implementation_->outstanding(); }
size_t UpstreamChannel::carried() const { return implementation_->carried(); }

}  // namespace burrow::dns
