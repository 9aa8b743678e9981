#include "dns/special_names.h"

#include <algorithm>

namespace burrow::dns {
namespace {

constexpr std::array<std::string_view, 2> kNeverForwarded{{{"\7invalid", 8}, {"\5onion", 6}}};

// RFC 6303 section 4.
struct ReservedPrefix {
  std::array<uint8_t, 2> bytes;
  uint8_t bits;
  Family family;
};
constexpr std::array<ReservedPrefix, 5> kReserved{{
    {{0, 0}, 8, Family::ipv4},
    {{127, 0}, 8, Family::ipv4},
    {{169, 254}, 16, Family::ipv4},
    {{0xfe, 0x80}, 10, Family::ipv6},
    {{0, 0}, 12, Family::ipv6},
}};

}  // namespace

std::optional<size_t> find_zone(std::string_view labels, std::string_view zone) {
  if (!labels.ends_with(zone)) return {};
  const size_t cut = labels.size() - zone.size();
  size_t at = 0;
  while (at < cut) at += 1 + static_cast<uint8_t>(labels[at]);
  if (at != cut) return {};
  return cut;
}

bool is_host_name(std::string_view labels) {
  return std::ranges::find(kHostNames, labels) != kHostNames.end();
}

std::optional<size_t> find_never_forwarded(std::string_view labels) {
  for (const auto zone : kNeverForwarded) {
    if (const auto cut = find_zone(labels, zone)) return cut;
  }
  return {};
}

bool is_reserved(const ReverseName& name) {
  return std::ranges::any_of(kReserved, [&](const ReservedPrefix& prefix) {
    if (name.address.family() != prefix.family || name.prefix_length < prefix.bits) return false;
    const auto bytes = name.address.bytes();
    const unsigned found = (unsigned{bytes[0]} << 8) | bytes[1];
    const unsigned wanted = (unsigned{prefix.bytes[0]} << 8) | prefix.bytes[1];
    return (found ^ wanted) >> (16 - prefix.bits) == 0;
  });
}

}  // namespace burrow::dns
