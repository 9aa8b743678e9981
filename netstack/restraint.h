// How soon to repair again, so that nobody is fought: a burst is free, who goes on is waited out
// with growing pauses. Pure: no clock.
#pragma once

#include <chrono>

namespace burrow::netstack {

/// Counts repairs. Free ones come back one a second, as long as they last; from then on each repair
/// doubles the pause before the next, up to half a minute, until a minute passes without any.
class Restraint {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr int kFreeRepairs = 10;
  static constexpr std::chrono::milliseconds kFirstPause{100};
  static constexpr std::chrono::milliseconds kLongestPause{30'000};
  static constexpr std::chrono::seconds kCalm{60};

  /// From when on the next repair may be made; the past for at once.
  [[nodiscard]] Clock::time_point next() const { return next_; }
  /// A repair was made.
  void note(Clock::time_point now);
  /// Whether repairs are being spaced out: somebody takes away what is put back.
  [[nodiscard]] bool is_holding_back() const { return pause_.count() > 0; }
  [[nodiscard]] std::chrono::milliseconds pause() const { return pause_; }

 private:
  int free_ = kFreeRepairs;
  Clock::time_point counted_{};
  Clock::time_point last_{};
  Clock::time_point next_{};
  std::chrono::milliseconds pause_{0};
};

}  // namespace burrow::netstack
