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

/// The same where firewalld is the firewall driver: for looking, and for a change, which takes it
/// some ten milliseconds a rule, and more the more it has.
inline constexpr std::chrono::milliseconds kDriverPatience{5000};
inline constexpr std::chrono::milliseconds kChangePatience{20'000};

/// The same where all that the driver had comes back, of hundreds of containers.
inline constexpr std::chrono::milliseconds kRestorePatience{120'000};

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
  /// firewalld as firewall driver, for kDriverPatience at least. Errors: unsupported where it does
  /// not run, timeout where it has been given up; and of finding it.
  Result<firewall::Firewalld*> require();
  /// It has not answered in time: nobody waits for it again.
  void give_up() { state_ = State::silent; }
  [[nodiscard]] std::chrono::milliseconds patience() const { return patience_; }
  /// Logs what went wrong with it. When it did not answer, or has gone, nobody waits for it again.
  void complain(const Error& error, std::string_view meaning);

 private:
  enum class State { unknown, found, absent, silent };
  std::chrono::milliseconds patience_;
  State state_ = State::unknown;
  bool is_patient_ = false;
  std::unique_ptr<firewall::Firewalld> firewalld_;
};

}  // namespace burrow::netstack
