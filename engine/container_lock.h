// Locks on one container, released by the kernel when their holder dies. Two kinds: who works on it
// now (start, connect, clean up), and who supervises it for as long as it lives.
#pragma once

#include <optional>

#include "engine/directories.h"
#include "host/fd.h"

namespace burrow::engine {

enum class LockKind { operation, supervision };

/// A held flock(2). The descriptor is the lock: a child that inherits it shares it.
class ContainerLock {
 public:
  /// Waits for the holder. Errors: not_found when the container's run directory is gone.
  static Result<ContainerLock> acquire(const Directories& directories, const ContainerId& id,
                                       LockKind kind);
  /// Yields nothing when somebody else holds it. Makes the run directory if needed.
  static Result<std::optional<ContainerLock>> try_acquire(const Directories& directories,
                                                          const ContainerId& id, LockKind kind);
  /// For a container that is on no record yet: makes its run directory and takes the lock in it,
  /// however often a clean-up of another command takes the unknown directory away meanwhile.
  static Result<ContainerLock> create(const Directories& directories, const ContainerId& id,
                                      LockKind kind);
  /// Takes over a lock that was inherited as `fd`.
  static ContainerLock adopt(host::Fd fd) { return ContainerLock{std::move(fd)}; }

  [[nodiscard]] const host::Fd& fd() const { return fd_; }

 private:
  explicit ContainerLock(host::Fd fd) : fd_(std::move(fd)) {}
  host::Fd fd_;
};

}  // namespace burrow::engine
