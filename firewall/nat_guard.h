// Keeps the kernel translating connections that stand while our table is gone for a moment: without
// any NAT chain it would stop, and answer packets of published ports with a reset of its own.
#pragma once

#include <memory>

#include "core/result.h"

namespace burrow::firewall {

class NetfilterSocket;

/// A table `inet burrow_watch` with NAT chains that do nothing. It belongs to a socket, so that
/// flushing the ruleset passes it over, and goes with it (NFT_TABLE_F_OWNER, Linux 5.12).
class NatGuard {
 public:
  /// In the calling thread's network namespace. Errors: unsupported on older kernels;
  /// already_exists when another watcher has one; permission; system.
  static Result<NatGuard> put_up();
  NatGuard(NatGuard&&) noexcept;
  NatGuard& operator=(NatGuard&&) noexcept;
  ~NatGuard();

 private:
  explicit NatGuard(std::unique_ptr<NetfilterSocket> owner);
  std::unique_ptr<NetfilterSocket> owner_;
};

}  // namespace burrow::firewall
