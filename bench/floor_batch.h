// Netlink by hand, for bench-floor: messages in one buffer, sent and acknowledged at once.
// Allocates nothing; ends the process when anything fails.
#pragma once

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace bench {

[[noreturn]] inline void die(const char* what, int code) {
  std::fprintf(stderr, "bench-floor: %s: %s\n", what, std::strerror(code));
  std::exit(1);
}

/// Netlink messages one after the other, as one send takes them. Lengths are filled in when the
/// next message begins or the batch is sent.
class Batch {
 public:
  /// Begins a message with its family header.
  template <typename Header>
  void begin(uint16_t type, uint16_t flags, const Header& header) {
    finish();
    message_ = reinterpret_cast<nlmsghdr*>(bytes_ + used_);
    const nlmsghdr start{.nlmsg_len = 0,
                         .nlmsg_type = type,
                         .nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | flags),
                         .nlmsg_seq = 1,
                         .nlmsg_pid = 0};
    append(&start, sizeof start);
    append(&header, sizeof header);
  }

  /// An attribute with its value, padded to four bytes.
  void attribute(uint16_t type, const void* value, size_t size) {
    const nlattr header{.nla_len = static_cast<uint16_t>(sizeof header + size), .nla_type = type};
    append(&header, sizeof header);
    append(value, size);
  }
  template <typename Value>
  void attribute(uint16_t type, const Value& value) {
    attribute(type, &value, sizeof value);
  }
  void text(uint16_t type, const char* value) { attribute(type, value, std::strlen(value) + 1); }
  /// nf_tables numbers are big-endian.
  void number(uint16_t type, uint32_t value) { attribute(type, htonl(value)); }

  /// An attribute whose value is what `fill` adds.
  template <typename Fill>
  void nest(uint16_t type, Fill fill) {
    const size_t start = used_;
    attribute(type, nullptr, 0);
    fill();
    reinterpret_cast<nlattr*>(bytes_ + start)->nla_len = static_cast<uint16_t>(used_ - start);
  }

  /// A bare header inside an attribute (a veth peer has one).
  template <typename Header>
  void raw(const Header& header) {
    append(&header, sizeof header);
  }

  /// Sends everything on `fd` and waits for the one acknowledgement asked for.
  void send(int fd, const char* what) {
    finish();
    if (::send(fd, bytes_, used_, 0) != static_cast<ssize_t>(used_)) die(what, errno);
    alignas(nlmsghdr) char reply[8192];
    const ssize_t size = ::recv(fd, reply, sizeof reply, 0);
    if (size < 0) die(what, errno);
    const auto* message = reinterpret_cast<const nlmsghdr*>(reply);
    if (message->nlmsg_type != NLMSG_ERROR) die(what, EPROTO);
    const auto* result = reinterpret_cast<const nlmsgerr*>(message + 1);
    if (result->error != 0) die(what, -result->error);
    used_ = 0;
  }

 private:
  void finish() {
    if (message_ == nullptr) return;
    const auto* start = reinterpret_cast<const char*>(message_);
    message_->nlmsg_len = static_cast<uint32_t>(bytes_ + used_ - start);
    message_ = nullptr;
  }
  void append(const void* value, size_t size) {
    const size_t padded = NLMSG_ALIGN(size);
    if (used_ + padded > sizeof bytes_) die("batch", EMSGSIZE);
    if (size > 0) std::memcpy(bytes_ + used_, value, size);
    std::memset(bytes_ + used_ + size, 0, padded - size);
    used_ += padded;
  }

  alignas(nlmsghdr) char bytes_[65536];
  size_t used_ = 0;
  nlmsghdr* message_ = nullptr;
};

inline int open_netlink(int protocol) {
  const int fd = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
  if (fd < 0) die("netlink socket", errno);
  return fd;
}

}  // namespace bench
