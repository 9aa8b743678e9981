#include "core/rate.h"

#include <array>
#include <charconv>
#include <optional>

namespace burrow {
namespace {

constexpr uint32_t kMost = 10'000'000;
constexpr uint64_t kNanoseconds = 1'000'000'000;
constexpr std::string_view kBurst = " burst ";

struct UnitName {
  Rate::Unit unit;
  std::string_view name;
  uint64_t seconds;
};
constexpr std::array<UnitName, 3> kUnits{{{Rate::Unit::second, "second", 1},
                                          {Rate::Unit::minute, "minute", 60},
                                          {Rate::Unit::hour, "hour", 3600}}};

const UnitName& name_of(Rate::Unit unit) { return kUnits.at(static_cast<size_t>(unit)); }

std::optional<uint32_t> parse_count(std::string_view text) {
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  if (value == 0 || value > kMost) return std::nullopt;
  return value;
}

}  // namespace

Result<Rate> Rate::parse(std::string_view text) {
  const auto wrong = [&]() -> Failure {
    return fail(Errc::invalid_input,
                "not a rate: \"{}\": expected a number from 1 to {} and a unit, as in 100/second, "
                "/minute or /hour, and perhaps \" burst 20\"",
                text.substr(0, 64), kMost);
  };
  const auto slash = text.find('/');
  if (slash == text.npos) return wrong();
  const auto burst_at = text.find(kBurst);
  const auto unit_word =
      text.substr(slash + 1, burst_at == text.npos ? text.npos : burst_at - slash - 1);
  const auto count = parse_count(text.substr(0, slash));
  if (!count || (burst_at != text.npos && burst_at < slash)) return wrong();
  Rate rate{.count = *count, .unit = Unit::second, .burst = *count};
  bool has_unit = false;
  for (const auto& one : kUnits) {
    if (one.name != unit_word) continue;
    rate.unit = one.unit;
    has_unit = true;
  }
  if (!has_unit) return wrong();
  if (burst_at != text.npos) {
    const auto burst = parse_count(text.substr(burst_at + kBurst.size()));
    if (!burst) return wrong();
    rate.burst = *burst;
  }
  // What the kernel reckons with, in signed nanoseconds (net/netfilter/nft_limit.c).
  const uint64_t each = name_of(rate.unit).seconds * kNanoseconds / rate.count;
  if (rate.burst > static_cast<uint64_t>(INT64_MAX) / each) {
    return fail(Errc::invalid_input, "not a rate: \"{}\": so large a burst takes centuries to earn",
                text.substr(0, 64));
  }
  return rate;
}

std::string Rate::to_string() const {
  return fmt::format("{}/{}{}{}", count, name_of(unit).name, kBurst, burst);
}

uint64_t Rate::seconds() const { return name_of(unit).seconds; }

}  // namespace burrow
