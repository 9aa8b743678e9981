#include "dns/name.h"

#include <algorithm>
#include <array>
#include <optional>

namespace burrow::dns {
namespace {

constexpr std::string_view kInAddrArpa{"\7in-addr\4arpa", 13};
constexpr std::string_view kIp6Arpa{"\3ip6\4arpa", 9};

// A name of 255 bytes has at most 127 labels.
struct Labels {
  std::array<std::string_view, 128> part;
  size_t count = 0;
  // The last label is the first of the address.
  [[nodiscard]] std::string_view from_end(size_t n) const { return part[count - 1 - n]; }
};

Labels split_labels(std::string_view labels) {
  Labels result;
  while (!labels.empty() && result.count < result.part.size()) {
    const auto size = static_cast<uint8_t>(labels[0]);
    result.part[result.count++] = labels.substr(1, size);
    labels.remove_prefix(std::min(labels.size(), 1 + size_t{size}));
  }
  return result;
}

std::optional<uint8_t> parse_octet(std::string_view label) {
  if (label.empty() || label.size() > 3 || (label.size() > 1 && label[0] == '0')) return {};
  unsigned value = 0;
  for (const char c : label) {
    if (c < '0' || c > '9') return {};
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  if (value > 255) return {};
  return static_cast<uint8_t>(value);
}

std::optional<uint8_t> parse_nibble(std::string_view label) {
  if (label.size() != 1) return {};
  const char c = label[0];
  if (c >= '0' && c <= '9') return static_cast<uint8_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<uint8_t>(c - 'a' + 10);
  return {};
}

// True when `labels` ends with `zone` and the cut lies between two labels.
bool is_below(std::string_view labels, std::string_view zone) {
  if (!labels.ends_with(zone)) return false;
  size_t at = 0;
  while (at < labels.size() - zone.size()) at += 1 + static_cast<uint8_t>(labels[at]);
  return at == labels.size() - zone.size();
}

}  // namespace

Result<DomainName> DomainName::parse(std::string_view text) {
  const auto refused = [&](std::string_view why) {
    return fail(Errc::invalid_input, "invalid name \"{}\": {}", text.substr(0, 300), why);
  };
  auto rest = text;
  if (rest.ends_with('.')) rest.remove_suffix(1);
  if (rest.empty()) return refused("empty");
  DomainName name;
  name.labels_.reserve(rest.size() + 1);
  for (;;) {
    const auto dot = rest.find('.');
    const auto label = rest.substr(0, dot);
    if (label.empty()) return refused("empty label");
    if (label.size() > kMaximumLabelSize) return refused("label longer than 63 bytes");
    name.labels_ += static_cast<char>(label.size());
    for (const char c : label) name.labels_ += static_cast<char>(to_lower(static_cast<uint8_t>(c)));
    if (dot == rest.npos) break;
    rest.remove_prefix(dot + 1);
  }
  if (name.labels_.size() + 1 > kMaximumNameSize) return refused("longer than 255 bytes");
  return name;
}

std::string DomainName::to_string() const { return name_text(labels_); }

std::string name_text(std::string_view labels) {
  if (labels.empty()) return ".";
  std::string text;
  while (!labels.empty() && labels[0] != 0) {
    const auto size = static_cast<uint8_t>(labels[0]);
    if (!text.empty()) text += '.';
    for (const char c : labels.substr(1, size)) {
      if (c > ' ' && c < 0x7f && c != '.' && c != '\\') {
        text += c;
      } else {
        text += fmt::format("\\{:03}", static_cast<uint8_t>(c));
      }
    }
    labels.remove_prefix(std::min(labels.size(), 1 + size_t{size}));
  }
  return text;
}

ReverseName parse_reverse_name(std::string_view labels) {
  const bool is_v4 = is_below(labels, kInAddrArpa);
  if (!is_v4 && !is_below(labels, kIp6Arpa)) return {};
  const auto zone = is_v4 ? kInAddrArpa : kIp6Arpa;
  const auto parts = split_labels(labels.substr(0, labels.size() - zone.size()));
  const size_t whole = is_v4 ? 4 : 32;

  std::array<uint8_t, 16> bytes{};
  size_t count = 0;
  for (; count < parts.count && count < whole; ++count) {
    const auto value =
        is_v4 ? parse_octet(parts.from_end(count)) : parse_nibble(parts.from_end(count));
    if (!value) break;
    if (is_v4) {
      bytes[count] = *value;
    } else {
      bytes[count / 2] |= static_cast<uint8_t>(count % 2 == 0 ? *value << 4 : *value);
    }
  }
  const bool is_address = count == whole && parts.count == whole;
  return {.kind = is_address ? ReverseName::Kind::address : ReverseName::Kind::partial,
          .address = IpAddress::from_bytes({bytes.data(), is_v4 ? 4U : 16U}),
          .prefix_length = static_cast<uint8_t>(count * (is_v4 ? 8 : 4)),
          .zone_size = static_cast<uint8_t>(zone.size())};
}

}  // namespace burrow::dns
