// Waiting for links to come, go or change, by the kernel's own notification.
#pragma once

#include <chrono>

#include "core/result.h"
#include "host/fd.h"

namespace burrow::host {

/// Listens to the links of the namespace that it was opened in. Open it first, then look, then
/// wait: so nothing is missed in between.
class LinkWatch {
 public:
  static Result<LinkWatch> open();
  /// Waits until something has changed since the last call. Errors: timeout when nothing has by
  /// `deadline`, system.
  Result<void> wait(std::chrono::steady_clock::time_point deadline) const;

 private:
  explicit LinkWatch(Fd socket) : socket_(std::move(socket)) {}
  Fd socket_;
};

}  // namespace burrow::host
