#include "dhcp/boot_clock.h"

#include <ctime>

namespace burrow::dhcp {

BootClock::time_point BootClock::now() {
  timespec time{};
  ::clock_gettime(CLOCK_BOOTTIME, &time);
  return time_point{std::chrono::duration_cast<duration>(seconds{time.tv_sec} +
                                                         std::chrono::nanoseconds{time.tv_nsec})};
}

}  // namespace burrow::dhcp
