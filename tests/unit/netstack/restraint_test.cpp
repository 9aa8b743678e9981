#include "netstack/restraint.h"

#include <doctest/doctest.h>

using burrow::netstack::Restraint;
using namespace std::chrono_literals;

namespace {

// A while after the clock began, as on a machine that runs.
constexpr Restraint::Clock::time_point kStart{1000s};

}  // namespace

TEST_CASE("a burst of repairs is made at once") {
  Restraint restraint;
  for (int i = 0; i < Restraint::kFreeRepairs; ++i) {
    restraint.note(kStart);
    CHECK(restraint.next() <= kStart);
    CHECK_FALSE(restraint.is_holding_back());
  }
}

TEST_CASE("one repair a second is never held back") {
  Restraint restraint;
  for (int i = 0; i < 1000; ++i) restraint.note(kStart + i * 1s);
  CHECK_FALSE(restraint.is_holding_back());
}

TEST_CASE("who keeps taking away is waited out with pauses that double up to a bound") {
  Restraint restraint;
  auto now = kStart;
  for (int i = 0; i < Restraint::kFreeRepairs; ++i) restraint.note(now);
  auto expected = Restraint::kFirstPause;
  for (int i = 0; i < 20; ++i) {
    restraint.note(now);
    CHECK(restraint.next() - now == expected);
    now = restraint.next();
    expected = std::min(2 * expected, Restraint::kLongestPause);
  }
  CHECK(restraint.pause() == Restraint::kLongestPause);
}

TEST_CASE("the pauses of a long fight do not earn free repairs") {
  Restraint restraint;
  auto now = kStart;
  for (int i = 0; i < 40; ++i) {
    restraint.note(now);
    now = std::max(now, restraint.next());
  }
  CHECK(restraint.is_holding_back());
  CHECK(restraint.next() == now);
}

TEST_CASE("after a calm minute a burst is free again") {
  Restraint restraint;
  for (int i = 0; i < Restraint::kFreeRepairs + 3; ++i) restraint.note(kStart);
  CHECK(restraint.is_holding_back());
  const auto later = kStart + Restraint::kCalm;
  for (int i = 0; i < Restraint::kFreeRepairs; ++i) restraint.note(later);
  CHECK_FALSE(restraint.is_holding_back());
  CHECK(restraint.next() <= later);
}
