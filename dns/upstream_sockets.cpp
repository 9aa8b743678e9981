#include "dns/upstream_sockets.h"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

#include "dns/socket.h"
#include "host/fd.h"

namespace burrow::dns {
namespace {

constexpr uint16_t kDnsPort = 53;
// Who guesses gets so many guesses; then TCP decides, where guessing is hopeless.
constexpr int kForgeries = 10;
// How many datagrams of one socket are looked at before others have their turn.
constexpr int kDatagrams = 16;

bool is_response_to(Bytes message, Bytes query, Bytes question) {
  if (message.size() < kHeaderSize || read_u16(message.data()) != read_u16(query.data()) ||
      (read_u16(&message[2]) & kFlagResponse) == 0) {
    return false;
  }
  // Who refuses may leave the question out.
  const auto questions = read_u16(&message[4]);
  if (questions == 0) return (read_u16(&message[2]) & kMaskRcode) != 0;
  return questions == 1 && message.size() >= kHeaderSize + question.size() &&
         std::ranges::equal(message.subspan(kHeaderSize, question.size()), question,
                            std::ranges::equal_to{}, to_lower, to_lower);
}

}  // namespace

// An epoll of our own, watched as one descriptor: these sockets come and go with every question.
class UpstreamSockets::Implementation {
 public:
  Implementation(EventLoop& loop, Callback on_arrival)
      : epoll_(::epoll_create1(EPOLL_CLOEXEC)),
        on_arrival_(std::move(on_arrival)),
        watch_(loop, epoll_.get(), [this] { on_ready(); }) {
    watch_.await_readable();
  }

  std::optional<Handle> open(const Upstream& upstream, Transport transport,
                             std::vector<uint8_t> query) {
    const int family = upstream.address.is_v4() ? AF_INET : AF_INET6;
    const int type = transport == Transport::tcp ? SOCK_STREAM : SOCK_DGRAM;
    host::Fd fd{::socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (!fd.is_open()) return {};
    // A connected socket gets datagrams of that server alone, and its ICMP errors. The kernel
    // gives it a random port.
    const auto name = to_socket_address(upstream.address, kDnsPort, upstream.scope);
    if (::connect(fd.get(), &name.any, size_of(name)) != 0 && errno != EINPROGRESS) return {};
    const size_t place = free_place();
    Slot& slot = slots_[place];
    slot.transport = transport;
    slot.question_size = query.size();
    if (query[11] != 0) slot.question_size -= kOptSize;
    slot.question_size -= kHeaderSize;
    slot.query = std::move(query);
    const auto handle = uint64_t{slot.generation} << 32U | place;
    epoll_event event{.events = transport == Transport::tcp ? EPOLLOUT : EPOLLIN,
                      .data = {.u64 = handle}};
    slot.fd = std::move(fd);
    ++count_;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, slot.fd.get(), &event) != 0 ||
        (transport == Transport::udp && !send(slot))) {
      close(handle);
      return {};
    }
    return handle;
  }

  void send_again(Handle handle) {
    Slot* slot = find(handle);
    // What cannot be sent shows in the next read.
    if (slot != nullptr && slot->transport == Transport::udp) send(*slot);
  }

  void close(Handle handle) {
    Slot* slot = find(handle);
    if (slot == nullptr) return;
    slot->fd.reset();
    slot->query = {};
    slot->stream = {};
    slot->written = 0;
    slot->forgeries = 0;
    ++slot->generation;
    free_.push_back(static_cast<uint32_t>(handle));
    --count_;
  }

  [[nodiscard]] size_t count() const { return count_; }

 private:
  struct Slot {
    host::Fd fd;
    Transport transport = Transport::udp;
    uint32_t generation = 0;
    std::vector<uint8_t> query;
    size_t question_size = 0;
    int forgeries = 0;
    // Of a connection: what was read so far, and how much of the framed query is written.
    std::vector<uint8_t> stream;
    size_t written = 0;

    [[nodiscard]] Bytes question() const {
      return Bytes{query}.subspan(kHeaderSize, question_size);
    }
  };

  size_t free_place() {
    if (free_.empty()) {
      free_.push_back(static_cast<uint32_t>(slots_.size()));
      slots_.emplace_back();
    }
    const size_t place = free_.back();
    free_.pop_back();
    return place;
  }

  Slot* find(Handle handle) {
    Slot& slot = slots_[static_cast<uint32_t>(handle)];
    return slot.fd.is_open() && slot.generation == handle >> 32U ? &slot : nullptr;
  }

  static bool send(const Slot& slot) {
    const auto size = ::send(slot.fd.get(), slot.query.data(), slot.query.size(), MSG_DONTWAIT);
    return size >= 0 || errno == EAGAIN || errno == ENOBUFS;
  }

  void on_ready() {
    std::array<epoll_event, 64> events;
    const int count = ::epoll_wait(epoll_.get(), events.data(), events.size(), 0);
    for (int i = 0; i < count; ++i) {
      const auto& event = events[static_cast<size_t>(i)];
      const Handle handle = event.data.u64;
      const Slot* slot = find(handle);
      if (slot == nullptr) continue;  // closed by an earlier one of this round
      if (slot->transport == Transport::udp) {
        read_datagrams(handle);
      } else if ((event.events & EPOLLOUT) != 0) {
        write_stream(handle);
      } else {
        read_stream(handle);
      }
    }
    watch_.await_readable();
  }

  void read_datagrams(Handle handle) {
    for (int i = 0; i < kDatagrams; ++i) {
      Slot* slot = find(handle);
      if (slot == nullptr) return;
      const auto size = ::recv(slot->fd.get(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
      if (size < 0) {
        if (errno != EAGAIN && errno != EINTR) on_arrival_(handle, Arrival::unreachable, {});
        return;
      }
      const Bytes message{buffer_.data(), static_cast<size_t>(size)};
      if (is_response_to(message, slot->query, slot->question())) {
        return deliver(handle, *slot, message);
      }
      if (++slot->forgeries == kForgeries) return on_arrival_(handle, Arrival::forged, {});
    }
  }

  void write_stream(Handle handle) {
    Slot& slot = *find(handle);
    std::array<uint8_t, 2> size;
    write_u16(size.data(), slot.query.size());
    std::vector<uint8_t> framed{size.begin(), size.end()};
    framed.insert(framed.end(), slot.query.begin(), slot.query.end());
    const auto rest = Bytes{framed}.subspan(slot.written);
    const auto count = ::send(slot.fd.get(), rest.data(), rest.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0) {
      if (errno == EAGAIN || errno == EINTR) return;
      return on_arrival_(handle, Arrival::unreachable, {});
    }
    slot.written += static_cast<size_t>(count);
    if (slot.written < framed.size()) return;
    epoll_event event{.events = EPOLLIN, .data = {.u64 = handle}};
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, slot.fd.get(), &event);
  }

  void read_stream(Handle handle) {
    Slot& slot = *find(handle);
    const auto count = ::recv(slot.fd.get(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count <= 0) return on_arrival_(handle, Arrival::unreachable, {});
    slot.stream.insert(slot.stream.end(), buffer_.begin(), buffer_.begin() + count);
    if (slot.stream.size() < 2) return;
    const size_t size = read_u16(slot.stream.data());
    if (slot.stream.size() < 2 + size) return;
    const auto stream = std::move(slot.stream);
    const auto message = Bytes{stream}.subspan(2, size);
    // Whoever sends something else over its own connection is no resolver.
    if (!is_response_to(message, slot.query, slot.question())) {
      return on_arrival_(handle, Arrival::unreachable, {});
    }
    deliver(handle, slot, message);
  }

  void deliver(Handle handle, const Slot& slot, Bytes message) {
    const bool is_exact =
        read_u16(&message[4]) == 0 ||
        std::ranges::equal(message.subspan(kHeaderSize, slot.question_size), slot.question());
    on_arrival_(handle, is_exact ? Arrival::response : Arrival::other_case, message);
  }

  host::Fd epoll_;
  Callback on_arrival_;
  std::vector<Slot> slots_;
  std::vector<uint32_t> free_;
  size_t count_ = 0;
  std::array<uint8_t, kMaximumMessageSize> buffer_;
  FdWatch watch_;
};

UpstreamSockets::UpstreamSockets(EventLoop& loop, Callback on_arrival)
    : implementation_(std::make_unique<Implementation>(loop, std::move(on_arrival))) {}
UpstreamSockets::~UpstreamSockets() = default;

std::optional<UpstreamSockets::Handle> UpstreamSockets::open(const Upstream& upstream,
                                                             Transport transport,
                                                             std::vector<uint8_t> query) {
  return implementation_->open(upstream, transport, std::move(query));
}
void UpstreamSockets::send_again(Handle handle) { implementation_->send_again(handle); }
void UpstreamSockets::close(Handle handle) { implementation_->close(handle); }
size_t UpstreamSockets::count() const { return implementation_->count(); }

}  // namespace burrow::dns
