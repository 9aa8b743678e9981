// Being called at an Instant: one timerfd on the boot clock, also for thousands of leases. It rings
// at once when the machine wakes up later than that.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <utility>

#include "dhcp/boot_clock.h"
#include "host/event_loop.h"
#include "host/fd.h"

namespace burrow::dhcp {

class Alarm;

/// Rings alarms; must outlive them.
class AlarmClock {
 public:
  explicit AlarmClock(host::EventLoop& loop);

 private:
  friend class Alarm;
  void ring();
  void set();
  host::Fd timer_;
  host::FdWatch watch_;
  std::set<std::pair<Instant, Alarm*>> alarms_;
};

/// Calls back once at an instant, from the loop and never from a call. May be destroyed or set
/// again in its own callback.
class Alarm {
 public:
  Alarm(AlarmClock& clock, std::function<void()> on_ring);
  ~Alarm();
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;

  /// Nothing: never. Replaces what was set before.
  void set(std::optional<Instant> instant);

 private:
  friend class AlarmClock;
  AlarmClock& clock_;
  std::function<void()> on_ring_;
  std::optional<Instant> instant_;
};

}  // namespace burrow::dhcp
