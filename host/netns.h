// Network namespaces: opened, checked, and worked in by a thread that ends. Nobody switches back.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <type_traits>

#include "core/result.h"
#include "host/fd.h"

namespace burrow::host {

/// An open network namespace; keeps it alive.
class NetNs {
 public:
  /// Errors: not_found; invalid_input when `path` is not a network namespace.
  static Result<NetNs> open(const std::filesystem::path& path);

  [[nodiscard]] const Fd& fd() const { return fd_; }

  /// Calls `work` on a thread inside the namespace and returns what it returned. The thread ends
  /// with the call; sockets that `work` opens stay in the namespace and may be used from anywhere.
  /// `work` must return a Result.
  template <typename Work>
  [[nodiscard]] auto run(Work work) const -> std::invoke_result_t<Work> {
    std::optional<std::invoke_result_t<Work>> result;
    TRY_VOID(run_on_thread([&] { result = work(); }));
    return *std::move(result);
  }

 private:
  explicit NetNs(Fd fd) : fd_(std::move(fd)) {}
  [[nodiscard]] Result<void> run_on_thread(const std::function<void()>& work) const;
  Fd fd_;
};

}  // namespace burrow::host
