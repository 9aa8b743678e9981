// Addresses that names in lists of egress stand for, put into the firewall for a while: what the
// DNS daemon does to our table, and all that it does. Which names and whose: dns/egress_list.h.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <variant>

#include "core/ip.h"
#include "core/names.h"
#include "core/result.h"

namespace burrow::firewall {

/// What a list says of those in it.
enum class PeerVerdict : uint8_t { deny, allow };

/// A container by its address, or a network by its bridge, and whom it may send to, or may not.
struct NamedPeer {
  PeerVerdict verdict = PeerVerdict::allow;
  std::variant<IpAddress, LinkName> owner;
  IpAddress peer;
  friend auto operator<=>(const NamedPeer&, const NamedPeer&) = default;
};

/// A peer, for how long, and a comment for people, of which 127 bytes of printable ASCII are kept.
struct TimedPeer {
  NamedPeer peer;
  std::chrono::milliseconds time;
  std::string comment;
};

/// Whether there is a set for `peer`: container and peer are of one family.
bool is_storable(const NamedPeer& peer);

class NetfilterSocket;

/// The sets `*_named*` of table `inet burrow` of one network namespace. One thread at a time.
class NamedPeers {
 public:
  /// Opens a socket in the calling thread's network namespace. Errors: unsupported, system.
  static Result<NamedPeers> open();
  NamedPeers(NamedPeers&&) noexcept;
  NamedPeers& operator=(NamedPeers&&) noexcept;
  ~NamedPeers();

  /// Takes `gone` out and puts `come` in, in one transaction; each peer stands in one of them,
  /// once, and is storable. Who is in gets the new time, on every kernel; who is not in need not
  /// be. Blocks for as long as the kernel takes. Errors: not_found without our table; permission;
  /// system.
  Result<void> change(std::span<const NamedPeer> gone, std::span<const TimedPeer> come);

 private:
  explicit NamedPeers(std::unique_ptr<NetfilterSocket> socket);
  std::unique_ptr<NetfilterSocket> socket_;
};

}  // namespace burrow::firewall
