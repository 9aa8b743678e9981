// A lock that readers share: holds writers off and changes nothing on disk. Writers hold a
// FileLock.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "core/result.h"
#include "host/fd.h"

namespace burrow::host {

/// A shared flock(2) on a file that is there, held until destruction.
class SharedLock {
 public:
  /// Waits for a writer to let go. Nothing when there is no such file. Errors: permission, system.
  static Result<std::optional<SharedLock>> acquire(const std::filesystem::path& path);
  /// What the file says: up to 256 bytes.
  [[nodiscard]] Result<std::string> content() const;

 private:
  explicit SharedLock(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

/// Whether somebody holds a lock on a file by which readers are held off; nobody does when there is
/// no such file. Errors: permission, system.
Result<bool> is_locked(const std::filesystem::path& path);

}  // namespace burrow::host
