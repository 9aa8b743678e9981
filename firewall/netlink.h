// The socket to nfnetlink and the messages on it, for this folder alone: nftables.cpp and
// conntrack.cpp build and read what they need. Knows nothing of tables or elements.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/result.h"
#include "host/fd.h"

struct nlmsghdr;

namespace burrow::firewall {

/// A run of netlink messages, built one after the other in one growing buffer.
class Messages {
 public:
  /// Starts a message of nfnetlink. The header and at least `room` bytes behind it may be written
  /// to until the next call; pointers die with it. `resource` is in host order.
  nlmsghdr* start(uint16_t type, uint16_t flags, uint8_t family, uint16_t resource, size_t room);
  /// Takes in the message started last, as long as its header says.
  void finish();
  /// Has the message finished last acknowledged.
  void acknowledge_last();

  [[nodiscard]] std::span<const uint8_t> bytes() const { return {buffer_.data(), used_}; }
  [[nodiscard]] size_t count() const { return count_; }
  void clear();

 private:
  std::vector<uint8_t> buffer_;
  size_t used_ = 0;
  size_t last_ = 0;
  size_t count_ = 0;
};

/// The payload of the first attribute of a type, `skip` bytes behind the header; empty without one.
std::span<const uint8_t> find_attribute(const nlmsghdr& message, size_t skip, uint16_t type);

/// The same among the attributes inside another one.
std::span<const uint8_t> find_nested(std::span<const uint8_t> attributes, uint16_t type);

/// An answer of the kernel to one message that it refused.
struct Refusal {
  uint32_t sequence = 0;
  int code = 0;      ///< an errno
  std::string text;  ///< what the kernel adds in words, may be empty
};

/// A request socket of one network namespace.
class NetfilterSocket {
 public:
  /// Opens it in the calling thread's namespace. Errors: unsupported, permission, system.
  static Result<NetfilterSocket> open();

  using OnMessage = std::function<Result<void>(const nlmsghdr&)>;

  /// Sends one dump request and hands each part to `on_message`; asks again when the kernel says
  /// that the tables changed under way, so `on_restart` must forget what it was given.
  Result<void> dump(const std::function<void(Messages&)>& build, const OnMessage& on_message,
                    const std::function<void()>& on_restart);

  /// The same for a table that others change all the time, for who can do with most of it: a part
  /// may come twice, and one that came or went meanwhile not at all.
  Result<void> dump_loosely(const std::function<void(Messages&)>& build,
                            const OnMessage& on_message);

  /// Sends requests of which each asks for an acknowledgement; sequence numbers are set here, from
  /// 1 on. Returns the refusals, by sequence number. Errors: system when answers are missing.
  Result<std::vector<Refusal>> request(Messages& messages, const OnMessage& on_message);

  /// Sends a batch, whole. Returns every refusal: none means that the batch was committed.
  /// A refusal with sequence 1 or of the last message concerns the batch as a whole.
  Result<std::vector<Refusal>> commit(Messages& batch);

 private:
  explicit NetfilterSocket(host::Fd fd) : fd_(std::move(fd)) {}
  enum class Torn { refused, enough };
  Result<bool> dump_once(const std::function<void(Messages&)>& build, const OnMessage& on_message,
                         Torn torn);
  Result<void> send(Messages& messages);
  Result<size_t> receive();
  Result<void> set_buffer(int option, int forced, size_t size);

  host::Fd fd_;
  // Not zeroed: most answers touch the first page of it alone.
  std::unique_ptr<uint8_t[]> incoming_;  // NOLINT(*-avoid-c-arrays)
  size_t send_buffer_ = 0;
  bool has_overflowed_ = false;  ///< answers were lost since it was last cleared
};

}  // namespace burrow::firewall
