#include "core/ip.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace burrow {
namespace {

// The longest text form of an address, without the terminating zero (RFC 4291 2.2, form 3).
constexpr size_t kLongestText = INET6_ADDRSTRLEN - 1;

uint8_t mask_of_byte(uint8_t prefix_length, size_t byte) {
  const int bits = std::clamp(prefix_length - static_cast<int>(byte) * 8, 0, 8);
  return static_cast<uint8_t>(0xff00U >> bits);
}

}  // namespace

Result<IpAddress> IpAddress::parse(std::string_view text) {
  char buffer[kLongestText + 1] = {};
  if (!text.empty() && text.size() <= kLongestText && text.find('\0') == text.npos) {
    std::memcpy(buffer, text.data(), text.size());
    std::array<uint8_t, 16> bytes{};
    if (inet_pton(AF_INET, buffer, bytes.data()) == 1) return from_bytes({bytes.data(), 4});
    if (inet_pton(AF_INET6, buffer, bytes.data()) == 1) return from_bytes(bytes);
  }
  // "invalid IP address syntax" is what callers of netavark look for.
  return fail(Errc::invalid_input, "invalid IP address syntax: \"{}\"", text.substr(0, 64));
}

IpAddress IpAddress::from_bytes(std::span<const uint8_t> bytes) {
  IpAddress address;
  address.family_ = bytes.size() == 4 ? Family::ipv4 : Family::ipv6;
  std::copy_n(bytes.begin(), std::min<size_t>(bytes.size(), 16), address.bytes_.begin());
  return address;
}

IpAddress IpAddress::v4(uint32_t host_order) {
  const std::array<uint8_t, 4> bytes{
      static_cast<uint8_t>(host_order >> 24), static_cast<uint8_t>(host_order >> 16),
      static_cast<uint8_t>(host_order >> 8), static_cast<uint8_t>(host_order)};
  return from_bytes(bytes);
}

bool IpAddress::is_unspecified() const {
  return std::ranges::all_of(bytes(), [](uint8_t byte) { return byte == 0; });
}

bool IpAddress::is_loopback() const {
  if (is_v4()) return bytes_[0] == 127;
  return bytes_[15] == 1 &&
         std::all_of(bytes_.begin(), bytes_.end() - 1, [](uint8_t byte) { return byte == 0; });
}

bool IpAddress::is_multicast() const {
  return is_v4() ? (bytes_[0] & 0xf0U) == 0xe0U : bytes_[0] == 0xff;
}

bool IpAddress::is_link_local() const {
  return is_v4() ? bytes_[0] == 169 && bytes_[1] == 254
                 : bytes_[0] == 0xfe && (bytes_[1] & 0xc0U) == 0x80U;
}

std::string IpAddress::to_string() const {
  char buffer[INET6_ADDRSTRLEN];
  inet_ntop(is_v4() ? AF_INET : AF_INET6, bytes_.data(), buffer, sizeof buffer);
  return buffer;
}

std::optional<IpAddress> IpAddress::next(uint64_t count) const {
  IpAddress result = *this;
  for (size_t i = bytes().size(); i-- > 0 && count > 0;) {
    const uint64_t sum = result.bytes_[i] + (count & 0xffU);
    result.bytes_[i] = static_cast<uint8_t>(sum);
    count = (count >> 8) + (sum >> 8);
  }
  if (count > 0) return std::nullopt;
  return result;
}

std::optional<IpAddress> IpAddress::previous() const {
  IpAddress result = *this;
  for (size_t i = bytes().size(); i-- > 0;) {
    if (result.bytes_[i]-- != 0) return result;
  }
  return std::nullopt;
}

Result<IpNetwork> IpNetwork::containing(const IpAddress& address, uint8_t prefix_length) {
  if (prefix_length > address_bits(address.family())) {
    return fail(Errc::invalid_input, "prefix length {} is longer than {} bits", prefix_length,
                address_bits(address.family()));
  }
  std::array<uint8_t, 16> bytes{};
  const auto from = address.bytes();
  for (size_t i = 0; i < from.size(); ++i) {
    bytes[i] = static_cast<uint8_t>(from[i] & mask_of_byte(prefix_length, i));
  }
  return IpNetwork{IpAddress::from_bytes({bytes.data(), from.size()}), prefix_length};
}

Result<IpNetwork> IpNetwork::parse(std::string_view text) {
  const auto interface = TRY(IpInterface::parse(text));
  auto network = interface.network();
  if (network.address() != interface.address) {
    return fail(Errc::invalid_input, "host bits set: \"{}\"", text);
  }
  return network;
}

bool IpNetwork::contains(const IpAddress& address) const {
  if (address.family() != family()) return false;
  const auto bytes = address.bytes();
  const auto prefix = address_.bytes();
  for (size_t i = 0; i < bytes.size(); ++i) {
    if ((bytes[i] & mask_of_byte(prefix_length_, i)) != prefix[i]) return false;
  }
  return true;
}

bool IpNetwork::overlaps(const IpNetwork& other) const {
  return contains(other.address_) || other.contains(address_);
}

IpAddress IpNetwork::last() const {
  std::array<uint8_t, 16> bytes{};
  const auto from = address_.bytes();
  for (size_t i = 0; i < from.size(); ++i) {
    bytes[i] = static_cast<uint8_t>(from[i] | (0xffU ^ mask_of_byte(prefix_length_, i)));
  }
  return IpAddress::from_bytes({bytes.data(), from.size()});
}

std::string IpNetwork::to_string() const {
  return fmt::format("{}/{}", address_.to_string(), prefix_length_);
}

Result<IpInterface> IpInterface::parse(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == text.npos) {
    return fail(Errc::invalid_input, "prefix length missing: \"{}\"", text.substr(0, 64));
  }
  const auto address = TRY(IpAddress::parse(text.substr(0, slash)));
  const auto digits = text.substr(slash + 1);
  unsigned length = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  if (error != std::errc{} || end != digits.data() + digits.size() || digits.size() > 3 ||
      length > address_bits(address.family())) {
    return fail(Errc::invalid_input, "invalid prefix length: \"{}\"", text.substr(0, 64));
  }
  return IpInterface{address, static_cast<uint8_t>(length)};
}

IpNetwork IpInterface::network() const { return *IpNetwork::containing(address, prefix_length); }

std::string IpInterface::to_string() const {
  return fmt::format("{}/{}", address.to_string(), prefix_length);
}

}  // namespace burrow
