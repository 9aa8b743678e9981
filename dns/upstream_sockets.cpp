#include "dns/upstream_sockets.h"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

#include "dns/socket.h"
#include "dns/upstream_streams.h"
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
        streams_(loop, [this](Handle handle, Bytes message) { on_stream_end(handle, message); }),
        watch_(loop, epoll_.get(), [this] { on_ready(); }) {
    watch_.await_readable();
  }

  std::optional<Handle> open(const Upstream& upstream, Transport transport,
                             std::vector<uint8_t> query) {
    const size_t place = free_place();
    Slot& slot = slots_[place];
    slot.is_used = true;
    slot.transport = transport;
    slot.question_size = query.size();
    if (query[11] != 0) slot.question_size -= kOptSize;
    slot.question_size -= kHeaderSize;
    slot.query = std::move(query);
    const auto handle = uint64_t{slot.generation} << 32U | place;
    ++count_;
    const bool is_out = transport == Transport::udp ? open_datagram(handle, slot, upstream)
                                                    : open_stream(handle, slot, upstream);
    if (is_out) return handle;
    const int error = errno;
    close(handle);
    errno = error;
    return {};
  }

  void send_again(Handle handle) {
    Slot* slot = find(handle);
    // What cannot be sent shows in the next read.
    if (slot != nullptr && slot->transport == Transport::udp) send(*slot);
  }

  void close(Handle handle) {
    Slot* slot = find(handle);
    if (slot == nullptr) return;
    if (slot->transport == Transport::tcp) streams_.close(handle);
    slot->is_used = false;
    slot->fd.reset();
    slot->query = {};
    slot->forgeries = 0;
    ++slot->generation;
    free_.push_back(static_cast<uint32_t>(handle));
    --count_;
  }

  [[nodiscard]] size_t count() const { return count_; }

 private:
  struct Slot {
    bool is_used = false;
    host::Fd fd;  // over UDP
    Transport transport = Transport::udp;
    uint32_t generation = 0;
    std::vector<uint8_t> query;
    size_t question_size = 0;
    int forgeries = 0;

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
    return slot.is_used && slot.generation == handle >> 32U ? &slot : nullptr;
  }

  bool open_datagram(Handle handle, Slot& slot, const Upstream& upstream) {
    const int family = upstream.address.is_v4() ? AF_INET : AF_INET6;
    host::Fd fd{::socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (!fd.is_open()) return false;
    // A connected socket gets datagrams of that server alone, and its ICMP errors. The kernel
    // gives it a random port.
    const auto name = to_socket_address(upstream.address, kDnsPort, upstream.scope);
    if (::connect(fd.get(), &name.any, size_of(name)) != 0) return false;
    epoll_event event{.events = EPOLLIN, .data = {.u64 = handle}};
    slot.fd = std::move(fd);
    return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, slot.fd.get(), &event) == 0 && send(slot);
  }

  bool open_stream(Handle handle, Slot& slot, const Upstream& upstream) {
    const auto id = streams_.open(handle, upstream, slot.query);
    if (id) write_u16(slot.query.data(), *id);
    return id.has_value();
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
      // Nothing when it was closed by an earlier one of this round.
      if (find(handle) != nullptr) read_datagrams(handle);
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

  void on_stream_end(Handle handle, Bytes message) {
    const Slot& slot = *find(handle);
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
  UpstreamStreams streams_;
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
