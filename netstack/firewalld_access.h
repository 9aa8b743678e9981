// firewalld as one command reaches it: looked for when it is first needed, once, and given up for
// the rest of the command when it does not answer.
#pragma once

#include <chrono>
#include <memory>
#include <string_view>

#include "core/result.h"

namespace burrow::firewall {
class Firewalld;
}

namespace burrow::netstack {

/// How long a command waits for firewalld, all calls together. It answers in milliseconds, but not
/// while it starts or reloads; what is missed then comes with firewalld-reload.
inline constexpr std::chrono::milliseconds kFirewalldPatience{2000};

/// The same where the bridges of all networks are put back: hundreds, each of which takes firewalld
/// some ten milliseconds.
inline constexpr std::chrono::milliseconds kZonesPatience{20'000};

/// One for a command.
class FirewalldAccess {
 public:
  explicit FirewalldAccess(std::chrono::milliseconds patience = kFirewalldPatience);
  FirewalldAccess(FirewalldAccess&& other) noexcept;
  FirewalldAccess& operator=(FirewalldAccess&& other) noexcept;
  FirewalldAccess(const FirewalldAccess&) = delete;
  FirewalldAccess& operator=(const FirewalldAccess&) = delete;
  ~FirewalldAccess();

  /// firewalld; null where it does not run, or has been given up. Trouble in finding it is logged
  /// once.
  firewall::Firewalld* find();
  /// Logs what went wrong with it. When it did not answer, or has gone, nobody waits for it again.
  void complain(const Error& error, std::string_view meaning);

 private:
  enum class State { unknown, found, absent };
  std::chrono::milliseconds patience_;
  State state_ = State::unknown;
  std::unique_ptr<firewall::Firewalld> firewalld_;
};

}  // namespace burrow::netstack
