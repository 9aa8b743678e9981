#include "host/event_loop.h"

#include <doctest/doctest.h>
#include <sys/eventfd.h>

#include <chrono>
#include <functional>
#include <optional>

#include "host/fd.h"

namespace burrow::host {
namespace {

using std::chrono::microseconds;

// How long a descriptor that can be read all the time is left alone after `rest`.
Clock::duration time_between_callbacks(const std::function<void(EventLoop&)>& rest) {
  const Fd event{::eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK)};
  EventLoop loop;
  std::optional<Clock::time_point> first;
  Clock::duration between{};
  FdWatch* self = nullptr;
  FdWatch watch{loop, event.get(), [&] {
                  if (first) {
                    between = Clock::now() - *first;
                    return loop.stop();
                  }
                  first = Clock::now();
                  rest(loop);
                  self->await_readable();
                }};
  self = &watch;
  watch.await_readable();
  loop.run();
  return between;
}

TEST_CASE("a loop that rests looks again when the longest rest of the round is over") {
  CHECK(time_between_callbacks([](EventLoop& loop) {
          loop.rest(microseconds{700});
          loop.rest(microseconds{100});
        }) >= microseconds{700});
}

TEST_CASE("no rest is longer than a millisecond asked for") {
  // Ten seconds, if it were taken at its word.
  CHECK(time_between_callbacks([](EventLoop& loop) { loop.rest(std::chrono::seconds{10}); }) <
        std::chrono::seconds{5});
}

}  // namespace
}  // namespace burrow::host
