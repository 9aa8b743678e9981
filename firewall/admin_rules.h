// The rules of chain `admin`, remembered while the table stands, so that they can come back with a
// table that somebody deleted. Not for our own rules, and never written while the chain is there.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/result.h"

namespace burrow::firewall {

class Messages;

/// The rules as the kernel had them, with the sets of the administrator's that they look into.
class AdminRules {
 public:
  /// What the chain has now, in the calling thread's network namespace; nothing in it without a
  /// table. Errors: permission, system.
  static Result<AdminRules> read();
  AdminRules();
  AdminRules(AdminRules&&) noexcept;
  AdminRules& operator=(AdminRules&&) noexcept;
  ~AdminRules();

  [[nodiscard]] size_t count() const;
  /// Why they cannot be made again, in words: all of them come back or none, since half of a
  /// person's rules says something else than the whole.
  [[nodiscard]] const std::optional<std::string>& obstacle() const { return obstacle_; }
  /// A rule that its administrator deleted since.
  void forget(uint64_t handle);

  /// Puts sets and rules into a batch in which chain `admin` and our sets are made before.
  void put(Messages& batch) const;

 private:
  struct Kept;
  std::unique_ptr<Kept> kept_;
  std::optional<std::string> obstacle_;
};

}  // namespace burrow::firewall
