// Bytes in network order, read by a cursor with one sticky error and written at the end of a
// vector. Knows no protocol.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/ip.h"

namespace burrow::dhcp {

using Bytes = std::span<const uint8_t>;
using Buffer = std::vector<uint8_t>;

/// Reads from the front. Beyond the end every read gives zeros and is_whole() is false from then
/// on.
class ByteReader {
 public:
  explicit ByteReader(Bytes bytes) : rest_(bytes) {}

  [[nodiscard]] bool is_whole() const { return is_whole_; }
  [[nodiscard]] Bytes rest() const { return rest_; }
  [[nodiscard]] bool is_at_end() const { return rest_.empty(); }

  /// The next `size` bytes; none when fewer are left.
  Bytes take(size_t size) {
    if (size > rest_.size()) {
      is_whole_ = false;
      rest_ = {};
      return {};
    }
    const auto taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }
  uint8_t u8() { return static_cast<uint8_t>(number(1)); }
  uint16_t u16() { return static_cast<uint16_t>(number(2)); }
  uint32_t u32() { return number(4); }
  IpAddress v4() { return IpAddress::v4(u32()); }
  /// An IPv6 address; the unspecified IPv4 address beyond the end.
  IpAddress v6() {
    const auto bytes = take(16);
    return bytes.empty() ? IpAddress{} : IpAddress::from_bytes(bytes);
  }

 private:
  uint32_t number(size_t size) {
    uint32_t value = 0;
    for (const auto byte : take(size)) value = value << 8U | byte;
    return value;
  }

  Bytes rest_;
  bool is_whole_ = true;
};

inline void put_u8(Buffer& out, size_t value) { out.push_back(static_cast<uint8_t>(value)); }
inline void put_u16(Buffer& out, size_t value) {
  put_u8(out, value >> 8U);
  put_u8(out, value);
}
inline void put_u32(Buffer& out, uint32_t value) {
  put_u16(out, value >> 16U);
  put_u16(out, value & 0xffffU);
}
inline void put_bytes(Buffer& out, Bytes bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}
inline void put_text(Buffer& out, std::string_view text) {
  out.insert(out.end(), text.begin(), text.end());
}

}  // namespace burrow::dhcp
