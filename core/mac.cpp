#include "core/mac.h"

#include <algorithm>
#include <charconv>

namespace burrow {

Result<MacAddress> MacAddress::parse(std::string_view text) {
  const auto invalid = [&] {
    return fail(Errc::invalid_input, "invalid MAC address: \"{}\"", text.substr(0, 64));
  };
  const auto separator_at = text.find_first_of(":-");
  if (separator_at == text.npos) return invalid();
  const char separator = text[separator_at];
  std::array<uint8_t, 6> bytes{};
  auto rest = text;
  for (size_t i = 0; i < bytes.size(); ++i) {
    const bool is_last = i + 1 == bytes.size();
    const auto end = rest.find(separator);
    if ((end == rest.npos) != is_last) return invalid();
    const auto digits = rest.substr(0, end);
    const auto [stop, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), bytes[i], 16);
    if (error != std::errc{} || digits.size() > 2 || stop != digits.data() + digits.size()) {
      return invalid();
    }
    if (!is_last) rest.remove_prefix(end + 1);
  }
  return MacAddress{bytes};
}

MacAddress MacAddress::derived_from(std::string_view seed) {
  uint64_t hash = fnv1a(seed);
  std::array<uint8_t, 6> bytes{};
  for (auto& byte : bytes) {
    byte = static_cast<uint8_t>(hash);
    hash >>= 8;
  }
  bytes[0] = static_cast<uint8_t>((bytes[0] & 0xfcU) | 0x02U);
  return MacAddress{bytes};
}

bool MacAddress::is_usable() const {
  return (bytes_[0] & 0x01U) == 0 &&
         std::ranges::any_of(bytes_, [](uint8_t byte) { return byte != 0; });
}

std::string MacAddress::to_string() const {
  return fmt::format("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", bytes_[0], bytes_[1], bytes_[2],
                     bytes_[3], bytes_[4], bytes_[5]);
}

uint64_t fnv1a(std::string_view bytes) {
  uint64_t hash = 0xcbf29ce484222325U;
  for (const char byte : bytes) {
    hash ^= static_cast<uint8_t>(byte);
    hash *= 0x100000001b3U;
  }
  return hash;
}

}  // namespace burrow
