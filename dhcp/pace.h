// How long clients wait before they ask again. Pure: randomness comes from a seed.
#pragma once

#include <algorithm>
#include <random>

#include "dhcp/boot_clock.h"

namespace burrow::dhcp {

/// Numbers that tests change and nobody else.
struct Pace {
  /// Before the first repetition. RFC 2131 section 4.1 suggests 4 s; somebody waits for a
  /// container.
  milliseconds first_wait{1000};
  milliseconds longest_wait{64'000};
  /// Repetitions of a REQUEST before all begins anew.
  int requests = 3;
  /// RFC 5227 has 3 probes, 1 to 2 s apart, and 2 s of silence after them. Hosts of a LAN answer
  /// within milliseconds, and a container waits.
  int probes = 3;
  milliseconds probe_interval{100};
  milliseconds silence{200};
  /// After a DECLINE (RFC 2131 section 3.1.5: ten seconds); the first time at once.
  milliseconds after_decline{10'000};
  /// The least wait between renewals (RFC 2131 section 4.4.5, RFC 8415 section 7.6).
  milliseconds least_renewal_wait{60'000};
};

/// Where waits and transaction numbers come from.
class Chance {
 public:
  explicit Chance(uint64_t seed) : engine_(seed) {}
  uint32_t number() { return static_cast<uint32_t>(engine_() >> 32U); }
  /// `wait`, more or less by up to a quarter.
  milliseconds around(milliseconds wait) {
    const auto quarter = wait.count() / 4;
    if (quarter == 0) return wait;
    const auto offset = static_cast<int64_t>(number()) % (2 * quarter + 1) - quarter;
    return wait + milliseconds{offset};
  }

 private:
  std::mt19937_64 engine_;
};

/// The wait after `tries` transmissions: doubled each time, up to the longest.
inline milliseconds back_off(const Pace& pace, int tries) {
  const auto doublings = std::clamp(tries - 1, 0, 20);
  return std::min(pace.longest_wait, pace.first_wait * (int64_t{1} << doublings));
}

/// The wait between renewals in the stretch of time from `begin` to `end`: half of what is left,
/// but no less than a minute; with a lease of minutes no less than a quarter of the stretch.
inline milliseconds renewal_wait(const Pace& pace, Instant begin, Instant now, Instant end) {
  const auto least =
      std::min(pace.least_renewal_wait, std::max((end - begin) / 4, milliseconds{1}));
  return std::max((end - now) / 2, least);
}

}  // namespace burrow::dhcp
