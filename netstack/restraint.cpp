#include "netstack/restraint.h"

#include <algorithm>

namespace burrow::netstack {

void Restraint::note(Clock::time_point now) {
  if (now - last_ >= kCalm) {
    free_ = kFreeRepairs;
    counted_ = now;
    pause_ = {};
  }
  last_ = now;
  if (!is_holding_back()) {
    const auto earned = std::chrono::duration_cast<std::chrono::seconds>(now - counted_);
    free_ = static_cast<int>(std::min<int64_t>(kFreeRepairs, free_ + earned.count()));
    counted_ += earned;
  }
  if (free_ > 0) {
    --free_;
    next_ = now;
    return;
  }
  pause_ = std::clamp(2 * pause_, kFirstPause, kLongestPause);
  next_ = now + pause_;
}

}  // namespace burrow::netstack
