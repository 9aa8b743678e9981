// How often something may happen, as a value: so many in each second, minute or hour.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.h"

namespace burrow {

/// A token bucket: `count` of them come in each `unit`, and at most `burst` are kept for what comes
/// at once. All are at least 1.
struct Rate {
  enum class Unit : uint8_t { second, minute, hour };

  uint32_t count = 1;
  Unit unit = Unit::second;
  uint32_t burst = 1;

  /// "100/second" or "100/second burst 20"; the burst is the count unless it is given. Both are up
  /// to 10,000,000. Errors: invalid_input, also for a burst that takes more than a century to earn,
  /// which kernels cannot count.
  static Result<Rate> parse(std::string_view text);
  /// As `parse` reads it, always with the burst.
  [[nodiscard]] std::string to_string() const;
  /// The length of the unit.
  [[nodiscard]] uint64_t seconds() const;
  friend auto operator<=>(const Rate&, const Rate&) = default;
};

}  // namespace burrow
