#include "core/rate.h"

#include <doctest/doctest.h>

using namespace burrow;

namespace {

Rate rate(std::string_view text) {
  const auto parsed = Rate::parse(text);
  REQUIRE_MESSAGE(parsed.has_value(), parsed.error().message);
  return *parsed;
}

}  // namespace

TEST_CASE("a rate is a count, a unit and perhaps a burst, which is the count otherwise") {
  CHECK(rate("100/second") == Rate{100, Rate::Unit::second, 100});
  CHECK(rate("7/minute burst 3") == Rate{7, Rate::Unit::minute, 3});
  CHECK(rate("1/hour").seconds() == 3600);
  CHECK(rate("10000000/second burst 10000000").burst == 10'000'000);
}

TEST_CASE("a rate as text reads back the same") {
  for (const auto* text : {"100/second burst 100", "7/minute burst 3", "1/hour burst 1"}) {
    CHECK(rate(text).to_string() == text);
  }
}

TEST_CASE("what is no rate is refused with what was found") {
  for (const auto* text : {"",
                           "100",
                           "/second",
                           "100/",
                           "0/second",
                           "-1/second",
                           "+1/second",
                           "1.5/second",
                           "100/day",
                           "100/seconds",
                           "100 /second",
                           "100/second ",
                           "100/second burst",
                           "100/second burst 0",
                           "100/second burst x",
                           "10000001/second",
                           "99999999999999999999/second",
                           "burst 5 100/second",
                           "100/second burst 5 burst 6",
                           " burst 1/second"}) {
    const auto parsed = Rate::parse(text);
    REQUIRE_FALSE_MESSAGE(parsed.has_value(), text);
    CHECK(parsed.error().code == Errc::invalid_input);
    CHECK(parsed.error().message.find(std::string{"\""} + text + "\"") != std::string::npos);
  }
}

TEST_CASE("a burst that the kernel cannot count is refused") {
  const auto parsed = Rate::parse("1/hour burst 10000000");
  REQUIRE_FALSE(parsed.has_value());
  CHECK(parsed.error().message.find("centuries") != std::string::npos);
}
