// Whose turn it is to change what our driver has in firewalld: lists of rules there are read,
// changed and written whole, by one command at a time, also where several run directories have a
// journal each.
#pragma once

#include <chrono>
#include <memory>

#include "core/result.h"
#include "host/file.h"

namespace burrow::firewall {

/// The file of the turn: there as long as anybody has it.
inline constexpr const char* kTurnFile = "/run/burrow-firewalld.lock";
/// So long does a command wait for its turn: many set-ups at once stand in line, a second each.
inline constexpr std::chrono::seconds kTurnPatience{60};

/// The turn, until destruction.
class FirewalldTurn {
 public:
  /// Waits for it. Errors: timeout; system.
  static Result<FirewalldTurn> await(std::chrono::milliseconds patience = kTurnPatience,
                                     const host::fs::path& file = kTurnFile);

  FirewalldTurn(FirewalldTurn&&) noexcept = default;
  FirewalldTurn& operator=(FirewalldTurn&&) = delete;
  FirewalldTurn(const FirewalldTurn&) = delete;
  FirewalldTurn& operator=(const FirewalldTurn&) = delete;
  ~FirewalldTurn();

 private:
  explicit FirewalldTurn(host::FileLock lock);
  std::unique_ptr<host::FileLock> lock_;  ///< null once moved from
};

}  // namespace burrow::firewall
