// A link-layer address.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/result.h"

namespace burrow {

/// Six bytes of an EUI-48 address.
class MacAddress {
 public:
  constexpr MacAddress() = default;
  constexpr explicit MacAddress(const std::array<uint8_t, 6>& bytes) : bytes_(bytes) {}

  /// Six hexadecimal bytes of one or two digits, all separated by ':' or all by '-'.
  /// Errors: invalid_input.
  static Result<MacAddress> parse(std::string_view text);
  /// A locally administered unicast address that depends on `seed` alone: the same seed always
  /// gives the same address, so that neighbours never learn a second one.
  static MacAddress derived_from(std::string_view seed);

  [[nodiscard]] std::span<const uint8_t, 6> bytes() const { return bytes_; }
  /// Group addresses and the all-zeros address cannot be a link's own.
  [[nodiscard]] bool is_usable() const;
  [[nodiscard]] std::string to_string() const;
  friend auto operator<=>(const MacAddress&, const MacAddress&) = default;

 private:
  std::array<uint8_t, 6> bytes_{};
};

/// FNV-1a, 64 bits: spreads names over identifiers. Not a cryptographic hash.
uint64_t fnv1a(std::string_view bytes);

}  // namespace burrow
