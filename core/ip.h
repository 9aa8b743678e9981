// Addresses and prefixes of both families as values. Not for sockets: host/ converts to sockaddr.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/result.h"

namespace burrow {

enum class Family : uint8_t { ipv4, ipv6 };

/// Number of address bits of `family`: 32 or 128.
constexpr uint8_t address_bits(Family family) { return family == Family::ipv4 ? 32 : 128; }

/// One IPv4 or IPv6 address, without zone. Orders by family, then numerically.
class IpAddress {
 public:
  constexpr IpAddress() = default;

  /// Strict text forms only: four plain decimal octets, or RFC 4291 section 2.2. Errors:
  /// invalid_input.
  static Result<IpAddress> parse(std::string_view text);
  /// `bytes` in network order, 4 or 16 of them.
  static IpAddress from_bytes(std::span<const uint8_t> bytes);
  static IpAddress v4(uint32_t host_order);

  [[nodiscard]] constexpr Family family() const { return family_; }
  [[nodiscard]] constexpr bool is_v4() const { return family_ == Family::ipv4; }
  [[nodiscard]] constexpr bool is_v6() const { return family_ == Family::ipv6; }
  /// Network order, 4 or 16 bytes, owned by this value.
  [[nodiscard]] std::span<const uint8_t> bytes() const {
    return {bytes_.data(), is_v4() ? 4U : 16U};
  }
  [[nodiscard]] bool is_unspecified() const;
  [[nodiscard]] bool is_loopback() const;
  [[nodiscard]] bool is_multicast() const;
  [[nodiscard]] bool is_link_local() const;
  [[nodiscard]] std::string to_string() const;
  /// The address `count` further; nothing beyond the last address of the family.
  [[nodiscard]] std::optional<IpAddress> next(uint64_t count = 1) const;
  /// The address before this one; nothing before the all-zeros address.
  [[nodiscard]] std::optional<IpAddress> previous() const;

  friend constexpr auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  Family family_ = Family::ipv4;
  std::array<uint8_t, 16> bytes_{};
};

/// A prefix: all host bits are zero by construction.
class IpNetwork {
 public:
  /// The network that holds `address` at `prefix_length`; host bits are cleared.
  /// Errors: invalid_input when the length does not fit the family.
  static Result<IpNetwork> containing(const IpAddress& address, uint8_t prefix_length);
  /// "address/length". Errors: invalid_input, also when host bits are set.
  static Result<IpNetwork> parse(std::string_view text);

  [[nodiscard]] const IpAddress& address() const { return address_; }
  [[nodiscard]] uint8_t prefix_length() const { return prefix_length_; }
  [[nodiscard]] Family family() const { return address_.family(); }
  [[nodiscard]] bool contains(const IpAddress& address) const;
  [[nodiscard]] bool overlaps(const IpNetwork& other) const;
  /// The last address: for IPv4 up to /30 the broadcast address.
  [[nodiscard]] IpAddress last() const;
  [[nodiscard]] std::string to_string() const;

  friend auto operator<=>(const IpNetwork&, const IpNetwork&) = default;

 private:
  IpNetwork(const IpAddress& address, uint8_t prefix_length)
      : address_(address), prefix_length_(prefix_length) {}
  IpAddress address_;
  uint8_t prefix_length_ = 0;
};

/// An address on a link together with its prefix length, as in "10.0.0.2/24".
struct IpInterface {
  IpAddress address;
  uint8_t prefix_length = 0;

  /// "address/length"; host bits are kept. Errors: invalid_input.
  static Result<IpInterface> parse(std::string_view text);
  [[nodiscard]] IpNetwork network() const;
  [[nodiscard]] std::string to_string() const;
  friend auto operator<=>(const IpInterface&, const IpInterface&) = default;
};

}  // namespace burrow
