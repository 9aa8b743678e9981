#include "dhcp/alarm.h"

#include <sys/timerfd.h>

#include <cstdint>

namespace burrow::dhcp {

AlarmClock::AlarmClock(host::EventLoop& loop)
    : timer_(::timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC)),
      watch_(loop, timer_.get(), [this] { ring(); }) {
  watch_.await_readable();
}

void AlarmClock::ring() {
  uint64_t expirations = 0;
  [[maybe_unused]] const auto read = ::read(timer_.get(), &expirations, sizeof expirations);
  const auto now = BootClock::now();
  while (!alarms_.empty() && alarms_.begin()->first <= now) {
    auto* alarm = alarms_.begin()->second;
    alarms_.erase(alarms_.begin());
    alarm->instant_.reset();
    // A copy: the callback may destroy the alarm.
    const auto on_ring = alarm->on_ring_;
    on_ring();
  }
  set();
  watch_.await_readable();
}

void AlarmClock::set() {
  itimerspec when{};
  if (!alarms_.empty()) {
    // Zero would disarm; an instant in the past rings at once.
    const auto since_boot = std::max<int64_t>(alarms_.begin()->first.time_since_epoch().count(), 1);
    when.it_value.tv_sec = since_boot / 1000;
    when.it_value.tv_nsec = since_boot % 1000 * 1'000'000;
  }
  ::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr);
}

Alarm::Alarm(AlarmClock& clock, std::function<void()> on_ring)
    : clock_(clock), on_ring_(std::move(on_ring)) {}

Alarm::~Alarm() { set({}); }

void Alarm::set(std::optional<Instant> instant) {
  if (instant == instant_) return;
  if (instant_) clock_.alarms_.erase({*instant_, this});
  instant_ = instant;
  if (instant_) clock_.alarms_.insert({*instant_, this});
  clock_.set();
}

}  // namespace burrow::dhcp
