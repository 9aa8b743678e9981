#include "dns/udp_server.h"

#include <array>
#include <cerrno>
#include <utility>

#include "dns/late_replies.h"
#include "dns/query_log.h"
#include "dns/socket.h"

namespace burrow::dns {
namespace {

constexpr size_t kBatch = 64;
// Replies are packed one behind the other, each at the start of a cache line.
constexpr size_t kReplyAlignment = 64;
// How many datagrams of one socket are answered before the others have their turn.
constexpr size_t kTurn = 128;
// When so many had come together, clients ask faster than single answers are cheap: those of the
// next moment are taken as one batch. A client that waits for its answer is never made to wait.
constexpr size_t kBusy = 8;
constexpr std::chrono::microseconds kPause{100};

}  // namespace

// The message headers are set up once; a round touches only what changes.
class DatagramBatch {
 public:
  DatagramBatch() {
    for (size_t i = 0; i < kBatch; ++i) {
      // One part: the kernel takes a shorter way than with several.
      query_parts_[i] = {queries_[i].data(), queries_[i].size()};
      received_[i].msg_hdr = {.msg_name = &clients_[i],
                              .msg_namelen = sizeof(SocketAddress),
                              .msg_iov = &query_parts_[i],
                              .msg_iovlen = 1};
      sent_[i].msg_hdr.msg_iov = &reply_parts_[i];
      sent_[i].msg_hdr.msg_iovlen = 1;
    }
  }

  // Returns how many datagrams came in.
  size_t receive(int fd) {
    const int count = ::recvmmsg(fd, received_.data(), kBatch, MSG_DONTWAIT, nullptr);
    return count > 0 ? static_cast<size_t>(count) : 0;
  }

  [[nodiscard]] Bytes query(size_t slot) const {
    return Bytes{queries_[slot]}.first(received_[slot].msg_len);
  }
  const SocketAddress& client(size_t slot) const { return clients_[slot]; }
  // Where the next reply is to be written.
  std::span<uint8_t> next_reply() { return std::span{replies_}.subspan(reply_end_, kUdpSize); }
  void add_reply(size_t slot, size_t size) {
    auto& header = sent_[reply_count_].msg_hdr;
    header.msg_name = &clients_[slot];
    header.msg_namelen = received_[slot].msg_hdr.msg_namelen;
    reply_parts_[reply_count_] = {&replies_[reply_end_], size};
    reply_end_ += (size + kReplyAlignment - 1) / kReplyAlignment * kReplyAlignment;
    ++reply_count_;
  }

  // Sends what was added. What the kernel does not take is lost: it is UDP, clients ask again.
  void send(int fd) {
    for (size_t done = 0; done < reply_count_;) {
      const int count =
          ::sendmmsg(fd, &sent_[done], static_cast<unsigned>(reply_count_ - done), MSG_DONTWAIT);
      // One client that cannot be reached must not cost the others their answers.
      done += count > 0 ? static_cast<size_t>(count) : 1;
    }
    reply_count_ = 0;
    reply_end_ = 0;
  }

  // Makes the first `count` slots ready for the next batch.
  void reset(size_t count) {
    for (size_t i = 0; i < count; ++i) {
      received_[i].msg_hdr.msg_namelen = sizeof(SocketAddress);
    }
  }

 private:
  // What is longer than we announce is cut off by the kernel and refused as malformed. Queries are
  // small: of each place the first bytes are used and come into the nearest caches, no more.
  alignas(kReplyAlignment) std::array<std::array<uint8_t, kUdpSize>, kBatch> queries_;
  alignas(kReplyAlignment) std::array<uint8_t, kBatch*(kUdpSize + kReplyAlignment)> replies_;
  std::array<SocketAddress, kBatch> clients_{};
  std::array<iovec, kBatch> query_parts_{};
  std::array<iovec, kBatch> reply_parts_{};
  std::array<mmsghdr, kBatch> received_{};
  std::array<mmsghdr, kBatch> sent_{};
  size_t reply_count_ = 0;
  size_t reply_end_ = 0;
};

void DatagramBatchDeleter::operator()(DatagramBatch* batch) const {
  std::default_delete<DatagramBatch>{}(batch);
}
DatagramBatchPointer make_datagram_batch() {
  return DatagramBatchPointer{std::make_unique<DatagramBatch>().release()};
}

UdpServer::UdpServer(EventLoop& loop, host::Fd socket, const Authority& authority,
                     DatagramBatch& batch, uint32_t network)
    : loop_(loop),
      socket_(std::make_shared<host::Fd>(std::move(socket))),
      authority_(authority),
      batch_(batch),
      network_(network),
      watch_(loop, socket_->get(), [this] { on_readable(); }) {
  watch_.await_readable();
}

UdpServer::~UdpServer() = default;

void UdpServer::on_readable() {
  for (size_t answered = 0; answered + kBatch <= kTurn;) {
    const size_t count = batch_.receive(socket_->get());
    if (count == 0) return watch_.await_arrival();
    answer_batch(count);
    if (std::exchange(has_to_commit_, false)) [[unlikely]]
      authority_.openings->commit();
    batch_.send(socket_->get());
    batch_.reset(count);
    answered += count;
    if (count == kBatch) continue;
    if (answered >= kBusy) loop_.rest(kPause);
    return watch_.await_arrival();
  }
  watch_.await_readable();
}

void UdpServer::answer_batch(size_t count) {
  const Zones& zones = *authority_.zones;
  auto& counts = authority_.counts;
  counts.udp += count;
  Query query;
  for (size_t slot = 0; slot < count; ++slot) {
    const auto& address = batch_.client(slot);
    // A reply to port 0 cannot be sent.
    if (address.v4.sin_port == 0) continue;
    const Client client{network_, to_ip_address(address), Transport::udp};
    const auto begin = authority_.log == nullptr ? Clock::time_point{} : Clock::now();
    const auto verdict = answer(zones, client, batch_.query(slot), query, batch_.next_reply());
    if (const auto* reply = std::get_if<Reply>(&verdict)) {
      const Bytes written{batch_.next_reply().first(reply->size)};
      counts.count_answer(written.data());
      if (authority_.log != nullptr) [[unlikely]] {
        authority_.log->answered(zones, client, query, written, Clock::now() - begin);
      }
      add_reply(slot, client, written);
    } else if (const auto* away = std::get_if<Forward>(&verdict)) {
      ++counts.forwarded;
      const auto known = authority_.forwarder.answer_from_cache(zones, client, query, away->servers,
                                                                batch_.next_reply());
      if (!known) {
        forward(slot, query, away->servers, client);
        continue;
      }
      const Bytes written{batch_.next_reply().first(*known)};
      if (authority_.log != nullptr) [[unlikely]] {
        authority_.log->answered_from_cache(zones, client, query, written, Clock::now() - begin);
      }
      add_reply(slot, client, written);
    } else if (const auto* chase = std::get_if<Chase>(&verdict)) {
      ++counts.forwarded;
      const Bytes so_far{batch_.next_reply().first(chase->size)};
      authority_.forwarder.complete(zones, client,
                                    AliasChase{query, Transport::udp, so_far, chase->target},
                                    chase->servers, sink_for(slot, query, chase->servers, client));
    } else {
      ++counts.dropped;
    }
  }
}

void UdpServer::add_reply(size_t slot, const Client& client, Bytes written) {
  if (authority_.opens_names()) [[unlikely]] {
    const auto lists = authority_.zones->lists_of(client.network, client.source);
    has_to_commit_ |= !lists.empty() &&
                      authority_.openings->note(lists, written) == NameOpenings::Noted::to_commit;
  }
  batch_.add_reply(slot, written.size());
}

void UdpServer::forward(size_t slot, const Query& query, std::span<const IpAddress> servers,
                        const Client& client) {
  authority_.forwarder.forward(*authority_.zones, client, query, servers,
                               sink_for(slot, query, servers, client));
}

Forwarder::Sink UdpServer::sink_for(size_t slot, const Query& query,
                                    std::span<const IpAddress> servers,
                                    const Client& client) const {
  Forwarder::Sink sink = [socket = socket_, to = batch_.client(slot)](Bytes reply, const auto&) {
    if (reply.empty()) return;
    ::sendto(socket->get(), reply.data(), reply.size(), MSG_DONTWAIT, &to.any, size_of(to));
  };
  if (authority_.opens_names()) [[unlikely]] {
    auto lists = authority_.zones->lists_of(client.network, client.source);
    if (!lists.empty()) sink = authority_.late_replies->hold(std::move(lists), std::move(sink));
  }
  if (authority_.log != nullptr) [[unlikely]] {
    sink = authority_.log->watch(*authority_.zones, client, query, servers, std::move(sink));
  }
  return sink;
}

}  // namespace burrow::dns
