// Processes that outlive the command that started them: named, watched, signalled without ever
// meeting a later process of the same number.
#pragma once

#include <chrono>
#include <optional>

#include "engine/container.h"
#include "host/fd.h"

namespace burrow::engine {

/// Errors: not_found when there is no such process.
Result<ProcessIdentity> identify(int pid);
bool is_alive(const ProcessIdentity& process);

/// A descriptor of a process that is alive.
class ProcessHandle {
 public:
  /// Nothing when the process has ended.
  static Result<std::optional<ProcessHandle>> open(const ProcessIdentity& process);
  /// Errors: system. A process that has ended is no error.
  [[nodiscard]] Result<void> send(int signal) const;
  /// Waits for its end. Yields whether it ended in time; without a limit it always does.
  [[nodiscard]] Result<bool> wait(std::optional<std::chrono::milliseconds> limit) const;
  /// Becomes readable at its end.
  [[nodiscard]] const host::Fd& fd() const { return fd_; }

 private:
  explicit ProcessHandle(host::Fd fd) : fd_(std::move(fd)) {}
  host::Fd fd_;
};

}  // namespace burrow::engine
