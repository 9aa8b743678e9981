// The sockets of one DHCPv6 client on one link, which needs its link-local address for them.
#pragma once

#include <functional>
#include <optional>

#include "dhcp/bytes.h"
#include "dhcp/footing.h"
#include "host/fd.h"

namespace burrow::dhcp {

class Sockets6 {
 public:
  /// Opens them in the footing's namespace, on its link. Errors: unsupported where the namespace
  /// has no IPv6.
  static Result<Sockets6> open(Footing& footing);

  /// Readable when messages are there, and when addresses of the namespace have changed.
  [[nodiscard]] int messages() const { return messages_.get(); }
  [[nodiscard]] int addresses() const { return addresses_.get(); }

  /// The UDP payloads that came to port 546, at most 64.
  [[nodiscard]] std::vector<Buffer> receive() const;
  /// Takes note of changed addresses, so that the next change shows.
  void forget_changes() const;

  enum class Sent { yes, not_yet };  ///< not yet: the link-local address is still being checked
  [[nodiscard]] Result<Sent> multicast(Bytes payload) const;

 private:
  Sockets6(host::Fd messages, host::Fd addresses, uint32_t link)
      : messages_(std::move(messages)), addresses_(std::move(addresses)), link_(link) {}
  host::Fd messages_;
  host::Fd addresses_;
  uint32_t link_;
};

}  // namespace burrow::dhcp
