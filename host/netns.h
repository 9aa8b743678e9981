// Network namespaces: opened, checked, and worked in by a thread that lives there. Nobody switches
// back.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>

#include "core/result.h"
#include "host/fd.h"

namespace burrow::host {

/// An open network namespace; keeps it alive.
class NetNs {
 public:
  /// A namespace other than our own. Errors: not_found; invalid_input when `path` is not a network
  /// namespace, or ours.
  static Result<NetNs> open(const std::filesystem::path& path);
  /// The namespace that this process began in.
  static Result<NetNs> own();
  [[nodiscard]] const Fd& fd() const { return fd_; }

 private:
  explicit NetNs(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

/// A thread inside a network namespace that does what it is told, one thing at a time, and ends
/// with this value. Settings under /proc/sys/net are the namespace's only from such a thread;
/// sockets opened by it stay in the namespace and may be used from anywhere.
class NetNsThread {
 public:
  /// Errors: system, permission when the namespace cannot be entered.
  static Result<NetNsThread> start(const NetNs& netns);
  NetNsThread(NetNsThread&&) noexcept;
  NetNsThread& operator=(NetNsThread&&) noexcept;
  ~NetNsThread();

  /// Calls `work` on the thread and returns what it returned.
  template <typename Work>
  auto run(Work work) -> std::invoke_result_t<Work> {
    std::optional<std::invoke_result_t<Work>> result;
    call([&] { result.emplace(work()); });
    return *std::move(result);
  }

 private:
  class Worker;
  explicit NetNsThread(std::unique_ptr<Worker> worker);
  void call(const std::function<void()>& work);
  std::unique_ptr<Worker> worker_;
};

}  // namespace burrow::host
