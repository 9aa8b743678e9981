// The clock that leases run by: since boot, also while the machine sleeps, so that a lease that
// ended during a suspend is known to have ended (CLOCK_BOOTTIME). Nobody can set it.
#pragma once

#include <chrono>

namespace burrow::dhcp {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// A clock as std::chrono has them. Instants mean something within one boot only.
struct BootClock {
  using duration = milliseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<BootClock>;
  static constexpr bool is_steady = true;  // NOLINT(readability-identifier-naming): the standard's
  static time_point now();
};

using Instant = BootClock::time_point;

}  // namespace burrow::dhcp
