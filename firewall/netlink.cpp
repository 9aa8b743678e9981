#include "firewall/netlink.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace burrow::firewall {
namespace {

// The kernel fills dumps in buffers of at most 32 KiB; an answer to one request is smaller.
constexpr size_t kReceiveBuffer = 65536;
// Answers to requests in flight wait in the socket: each takes a page or two there.
constexpr size_t kSocketReceiveBuffer = 4U << 20U;
// What a fresh socket takes at once on every kernel (net.core.wmem_default).
constexpr size_t kDefaultSendBuffer = 200U << 10U;
constexpr int kMostDumps = 16;
constexpr int kMostLooseDumps = 2;

std::string extended_text(const nlmsghdr& message) {
  const auto* error = static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(&message));
  if ((message.nlmsg_flags & NLM_F_ACK_TLVS) == 0) return {};
  size_t skip = sizeof(nlmsgerr);
  // Without NLM_F_CAPPED the refused message comes back whole, behind its header.
  if ((message.nlmsg_flags & NLM_F_CAPPED) == 0) {
    skip += error->msg.nlmsg_len - sizeof(nlmsghdr);
  }
  if (mnl_nlmsg_get_payload_len(&message) < skip) return {};
  const auto text = find_attribute(message, skip, NLMSGERR_ATTR_MSG);
  return {text.begin(), std::ranges::find(text, uint8_t{0})};
}

Refusal read_refusal(const nlmsghdr& message) {
  const auto* error = static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(&message));
  return {.sequence = message.nlmsg_seq,
          .code = -error->error,
          .text = error->error == 0 ? std::string{} : extended_text(message)};
}

struct Search {
  uint16_t type;
  std::span<const uint8_t> found;
};

int keep_if_wanted(const nlattr* attribute, void* opaque) {
  auto& search = *static_cast<Search*>(opaque);
  if (mnl_attr_get_type(attribute) != search.type) return MNL_CB_OK;
  search.found = {static_cast<const uint8_t*>(mnl_attr_get_payload(attribute)),
                  mnl_attr_get_payload_len(attribute)};
  return MNL_CB_STOP;
}

// What the end of a listing says: an errno if it broke off. Answers to others than dumps have none.
int done_code(const nlmsghdr& message) {
  int32_t code = 0;
  if (mnl_nlmsg_get_payload_len(&message) < sizeof code) return 0;
  std::memcpy(&code, mnl_nlmsg_get_payload(&message), sizeof code);
  return code < 0 ? -code : 0;
}

bool is_answer_code(const nlmsghdr& message) {
  return message.nlmsg_type == NLMSG_ERROR &&
         mnl_nlmsg_get_payload_len(&message) >= sizeof(nlmsgerr);
}

}  // namespace

nlmsghdr* Messages::start(uint16_t type, uint16_t flags, uint8_t family, uint16_t resource,
                          size_t room) {
  const size_t needed = used_ + NLMSG_HDRLEN + sizeof(nfgenmsg) + room;
  if (buffer_.size() < needed) buffer_.resize(std::max(needed, 2 * buffer_.size()));
  auto* header = mnl_nlmsg_put_header(buffer_.data() + used_);
  header->nlmsg_type = type;
  header->nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | flags);
  header->nlmsg_seq = static_cast<uint32_t>(count_ + 1);
  auto* general = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(header, sizeof(nfgenmsg)));
  general->nfgen_family = family;
  general->version = NFNETLINK_V0;
  general->res_id = htons(resource);
  return header;
}

void Messages::finish() {
  nlmsghdr header{};
  std::memcpy(&header, buffer_.data() + used_, sizeof(header));
  last_ = used_;
  used_ += NLMSG_ALIGN(header.nlmsg_len);
  ++count_;
}

void Messages::acknowledge_last() {
  auto* header = reinterpret_cast<nlmsghdr*>(buffer_.data() + last_);
  header->nlmsg_flags = static_cast<uint16_t>(header->nlmsg_flags | NLM_F_ACK);
}

void Messages::clear() {
  used_ = 0;
  last_ = 0;
  count_ = 0;
}

std::span<const uint8_t> find_attribute(const nlmsghdr& message, size_t skip, uint16_t type) {
  Search search{.type = type};
  if (mnl_nlmsg_get_payload_len(&message) < skip) return {};
  mnl_attr_parse(&message, static_cast<unsigned>(skip), keep_if_wanted, &search);
  return search.found;
}

std::span<const uint8_t> find_nested(std::span<const uint8_t> attributes, uint16_t type) {
  Search search{.type = type};
  mnl_attr_parse_payload(attributes.data(), attributes.size(), keep_if_wanted, &search);
  return search.found;
}

Result<NetfilterSocket> NetfilterSocket::open() {
  host::Fd fd{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER)};
  if (!fd.is_open()) {
    const int code = errno;
    if (code == EPROTONOSUPPORT || code == EAFNOSUPPORT) {
      return fail(Errc::unsupported, "this kernel has no nfnetlink");
    }
    return system_failure(code, "open a netfilter socket");
  }
  const int on = 1;
  // Both only make answers shorter and clearer: fine without.
  (void)::setsockopt(fd.get(), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
  (void)::setsockopt(fd.get(), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
  NetfilterSocket socket{std::move(fd)};
  // NOLINTNEXTLINE(*-avoid-c-arrays)
  socket.incoming_ = std::make_unique_for_overwrite<uint8_t[]>(kReceiveBuffer);
  socket.send_buffer_ = kDefaultSendBuffer;
  TRY_VOID(socket.set_buffer(SO_RCVBUF, SO_RCVBUFFORCE, kSocketReceiveBuffer));
  return socket;
}

Result<void> NetfilterSocket::set_buffer(int option, int forced, size_t size) {
  const int wanted = static_cast<int>(std::min<size_t>(size, INT32_MAX / 2));
  // Past the system's limit only with CAP_NET_ADMIN, which who changes firewalls has.
  if (::setsockopt(fd_.get(), SOL_SOCKET, forced, &wanted, sizeof(wanted)) == 0) return {};
  if (::setsockopt(fd_.get(), SOL_SOCKET, option, &wanted, sizeof(wanted)) == 0) return {};
  return system_failure(errno, "size the buffer of a netfilter socket");
}

Result<void> NetfilterSocket::send(Messages& messages) {
  const auto bytes = messages.bytes();
  if (bytes.size() > send_buffer_) {
    // The kernel takes a message that fits the buffer after its own overhead, whole or not at all.
    TRY_VOID(set_buffer(SO_SNDBUF, SO_SNDBUFFORCE, bytes.size() + 4096));
    send_buffer_ = bytes.size();
  }
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  while (true) {
    const auto sent = ::sendto(fd_.get(), bytes.data(), bytes.size(), 0,
                               reinterpret_cast<const sockaddr*>(&kernel), sizeof(kernel));
    if (sent >= 0) return {};
    if (errno != EINTR) return system_failure(errno, "send to netfilter");
  }
}

// How many bytes came into incoming_; 0 when nothing waits. Requests are processed before send
// returns, so that nothing ever needs waiting for.
Result<size_t> NetfilterSocket::receive() {
  while (true) {
    sockaddr_nl sender{};
    iovec part{.iov_base = incoming_.get(), .iov_len = kReceiveBuffer};
    msghdr header{};
    header.msg_name = &sender;
    header.msg_namelen = sizeof(sender);
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    const auto size = ::recvmsg(fd_.get(), &header, MSG_DONTWAIT);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EAGAIN) return size_t{0};
    if (size < 0 && errno == ENOBUFS) {
      has_overflowed_ = true;
      continue;
    }
    if (size < 0) return system_failure(errno, "receive from netfilter");
    if ((header.msg_flags & MSG_TRUNC) != 0) {
      return fail(Errc::system, "netfilter sent a message larger than {} bytes", kReceiveBuffer);
    }
    if (sender.nl_pid != 0 || size == 0) continue;  // not from the kernel
    return static_cast<size_t>(size);
  }
}

// Whether the listing is of one moment.
Result<bool> NetfilterSocket::dump_once(const std::function<void(Messages&)>& build,
                                        const OnMessage& on_message, Torn torn) {
  Messages messages;
  build(messages);
  TRY_VOID(send(messages));
  bool is_done = false;
  bool is_torn = false;
  Result<void> outcome;
  while (!is_done) {
    const auto size = TRY(receive());
    if (size == 0) return fail(Errc::system, "netfilter broke a listing off");
    int left = static_cast<int>(size);
    for (const auto* message = reinterpret_cast<const nlmsghdr*>(incoming_.get());
         mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
      if ((message->nlmsg_flags & NLM_F_DUMP_INTR) != 0) is_torn = true;
      if (is_answer_code(*message)) {
        const auto refusal = read_refusal(*message);
        is_done = true;
        if (refusal.code == EINTR)
          is_torn = true;
        else if (refusal.code != 0)
          outcome = system_failure(refusal.code, "list from netfilter");
      } else if (message->nlmsg_type == NLMSG_DONE) {
        is_done = true;
        const int code = done_code(*message);
        is_torn |= code == EINTR;
        if (code != 0 && code != EINTR && outcome) {
          outcome = system_failure(code, "list from netfilter");
        }
      } else if (outcome && (torn == Torn::enough || !is_torn)) {
        outcome = on_message(*message);
      }
    }
  }
  if (is_torn && torn == Torn::refused) return false;
  TRY_VOID(std::move(outcome));
  return !is_torn;
}

Result<void> NetfilterSocket::dump(const std::function<void(Messages&)>& build,
                                   const OnMessage& on_message,
                                   const std::function<void()>& on_restart) {
  for (int attempt = 0; attempt < kMostDumps; ++attempt) {
    if (TRY(dump_once(build, on_message, Torn::refused))) return {};
    on_restart();
  }
  return fail(Errc::changed, "the firewall kept changing while it was read");
}

Result<void> NetfilterSocket::dump_loosely(const std::function<void(Messages&)>& build,
                                           const OnMessage& on_message) {
  for (int attempt = 0; attempt < kMostLooseDumps; ++attempt) {
    if (TRY(dump_once(build, on_message, Torn::enough))) return {};
  }
  return {};
}

Result<std::vector<Refusal>> NetfilterSocket::request(Messages& messages,
                                                      const OnMessage& on_message) {
  std::vector<Refusal> refusals;
  if (messages.count() == 0) return refusals;
  TRY_VOID(send(messages));
  size_t answered = 0;
  Result<void> outcome;
  while (answered < messages.count()) {
    const auto size = TRY(receive());
    if (size == 0) {
      // Who lacks the privilege is told so once, however much was asked.
      if (!refusals.empty()) return system_failure(refusals.front().code, "ask netfilter");
      return fail(Errc::system, "netfilter left a request unanswered");
    }
    int left = static_cast<int>(size);
    for (const auto* message = reinterpret_cast<const nlmsghdr*>(incoming_.get());
         mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
      if (is_answer_code(*message)) {
        ++answered;
        auto refusal = read_refusal(*message);
        if (refusal.code != 0) refusals.push_back(std::move(refusal));
      } else if (outcome) {
        outcome = on_message(*message);
      }
    }
  }
  if (!outcome) return Failure{std::move(outcome).error()};
  return refusals;
}

Result<std::vector<Refusal>> NetfilterSocket::commit(Messages& batch) {
  std::vector<Refusal> refusals;
  has_overflowed_ = false;
  TRY_VOID(send(batch));
  bool is_acknowledged = false;
  while (true) {
    const auto size = TRY(receive());
    if (size == 0) break;
    int left = static_cast<int>(size);
    for (const auto* message = reinterpret_cast<const nlmsghdr*>(incoming_.get());
         mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
      if (!is_answer_code(*message)) continue;
      auto refusal = read_refusal(*message);
      if (refusal.code == 0)
        is_acknowledged = true;
      else
        refusals.push_back(std::move(refusal));
    }
  }
  // More refusals than the socket holds mean that the batch failed, only not all of why is known.
  if (refusals.empty() && (has_overflowed_ || !is_acknowledged)) {
    return fail(Errc::system, "netfilter left a batch unanswered");
  }
  return refusals;
}

}  // namespace burrow::firewall
