#include "firewall/fields.h"

#include <algorithm>
#include <bit>

namespace burrow::firewall {
namespace {

constexpr size_t kLinkNameSize = 16;  // IFNAMSIZ

size_t length_of(FieldType type) {
  switch (type) {
    case FieldType::link:
      return kLinkNameSize;
    case FieldType::address4:
    case FieldType::prefix4:
      return 4;
    case FieldType::address6:
    case FieldType::prefix6:
      return 16;
    case FieldType::protocol:
      return 1;
    case FieldType::port:
    case FieldType::ports:
      return 2;
    case FieldType::rate:
    case FieldType::connections:
      break;  // stands beside key and value
  }
  return 0;
}

size_t padded(size_t length) { return (length + 3) / 4 * 4; }

void append(std::vector<uint8_t>& bytes, std::span<const uint8_t> part) {
  bytes.insert(bytes.end(), part.begin(), part.end());
}

void append_port(std::vector<uint8_t>& bytes, uint16_t port) {
  bytes.push_back(static_cast<uint8_t>(port >> 8));
  bytes.push_back(static_cast<uint8_t>(port & 0xff));
}

enum class Bound : uint8_t { first, last };

std::vector<uint8_t> encode_bound(std::span<const Field> fields, Bound bound) {
  struct Encoder {
    std::vector<uint8_t>& bytes;
    Bound bound;
    void operator()(const LinkName& name) const {
      std::vector<uint8_t> padded_name(kLinkNameSize);
      std::ranges::copy(name.str(), padded_name.begin());
      append(bytes, padded_name);
    }
    void operator()(const IpAddress& address) const { append(bytes, address.bytes()); }
    void operator()(const IpNetwork& network) const {
      const auto edge = bound == Bound::first ? network.address() : network.last();
      append(bytes, edge.bytes());
    }
    void operator()(Protocol protocol) const { bytes.push_back(static_cast<uint8_t>(protocol)); }
    void operator()(const PortRange& range) const {
      append_port(bytes, bound == Bound::first ? range.first : range.last);
    }
    void operator()(const Rate& /*rate*/) const {}
    void operator()(const ConnectionCount& /*count*/) const {}
  };
  std::vector<uint8_t> bytes;
  for (const auto& field : fields) {
    std::visit(Encoder{bytes, bound}, field);
    if (fields.size() > 1) bytes.resize(padded(bytes.size()));
  }
  return bytes;
}

// The prefix whose first and last address these are.
std::optional<IpNetwork> prefix_between(const IpAddress& first, const IpAddress& last) {
  uint8_t length = 0;
  const auto from = first.bytes();
  const auto to = last.bytes();
  while (length < address_bits(first.family())) {
    const size_t byte = length / 8;
    const int equal_bits = std::countl_zero(static_cast<uint8_t>(from[byte] ^ to[byte]));
    length = static_cast<uint8_t>(length + equal_bits);
    if (equal_bits < 8) break;
  }
  const auto network = IpNetwork::containing(first, length);
  if (!network || network->address() != first || network->last() != last) return std::nullopt;
  return *network;
}

std::optional<Field> decode_field(FieldType type, std::span<const uint8_t> first,
                                  std::span<const uint8_t> last) {
  const auto port = [](std::span<const uint8_t> bytes) {
    return static_cast<uint16_t>(bytes[0] << 8 | bytes[1]);
  };
  switch (type) {
    case FieldType::link: {
      const std::string name{first.begin(), std::ranges::find(first, uint8_t{0})};
      auto parsed = LinkName::parse(name);
      if (!parsed) return std::nullopt;
      return Field{*std::move(parsed)};
    }
    case FieldType::address4:
    case FieldType::address6:
      return Field{IpAddress::from_bytes(first)};
    case FieldType::prefix4:
    case FieldType::prefix6: {
      const auto network =
          prefix_between(IpAddress::from_bytes(first), IpAddress::from_bytes(last));
      if (!network) return std::nullopt;
      return Field{*network};
    }
    case FieldType::protocol:
      for (const auto protocol : {Protocol::tcp, Protocol::udp, Protocol::sctp}) {
        if (first[0] == static_cast<uint8_t>(protocol)) return Field{protocol};
      }
      return std::nullopt;
    case FieldType::port:
    case FieldType::ports:
      return Field{PortRange{port(first), port(last)}};
    case FieldType::rate:
    case FieldType::connections:
      break;
  }
  return std::nullopt;
}

}  // namespace

KeyBounds encode_key(std::span<const Field> key) {
  return {.first = encode_bound(key, Bound::first), .last = encode_bound(key, Bound::last)};
}

std::vector<uint8_t> encode_fields(std::span<const Field> fields) {
  return encode_bound(fields, Bound::first);
}

std::optional<std::vector<Field>> decode_key(std::span<const FieldType> types,
                                             const KeyBounds& bounds) {
  if (bounds.first.size() != kernel_length(types) || bounds.last.size() != bounds.first.size()) {
    return std::nullopt;
  }
  std::vector<Field> fields;
  size_t at = 0;
  for (const auto type : types) {
    const auto length = length_of(type);
    auto field = decode_field(type, std::span{bounds.first}.subspan(at, length),
                              std::span{bounds.last}.subspan(at, length));
    if (!field) return std::nullopt;
    fields.push_back(*std::move(field));
    at += types.size() > 1 ? padded(length) : length;
  }
  return fields;
}

std::optional<std::vector<Field>> decode_fields(std::span<const FieldType> types,
                                                std::span<const uint8_t> bytes) {
  const std::vector<uint8_t> copy{bytes.begin(), bytes.end()};
  return decode_key(types, {.first = copy, .last = copy});
}

std::optional<std::vector<uint8_t>> next_key(std::vector<uint8_t> key) {
  for (auto byte = key.rbegin(); byte != key.rend(); ++byte) {
    if (++*byte != 0) return key;
  }
  return std::nullopt;
}

std::vector<uint8_t> previous_key(std::vector<uint8_t> key) {
  for (auto byte = key.rbegin(); byte != key.rend(); ++byte) {
    if ((*byte)-- != 0) break;
  }
  return key;
}

uint32_t kernel_type(std::span<const FieldType> types) {
  constexpr uint32_t kBitsPerType = 6;
  uint32_t result = 0;
  for (const auto type : types) {
    uint32_t number = 0;
    switch (type) {
      case FieldType::link:
        number = 41;
        break;
      case FieldType::address4:
      case FieldType::prefix4:
        number = 7;
        break;
      case FieldType::address6:
      case FieldType::prefix6:
        number = 8;
        break;
      case FieldType::protocol:
        number = 12;
        break;
      case FieldType::port:
      case FieldType::ports:
        number = 13;
        break;
      case FieldType::rate:
      case FieldType::connections:
        break;
    }
    result = result << kBitsPerType | number;
  }
  return result;
}

uint32_t kernel_length(std::span<const FieldType> types) {
  size_t length = 0;
  for (const auto type : types) {
    length += types.size() > 1 ? padded(length_of(type)) : length_of(type);
  }
  return static_cast<uint32_t>(length);
}

}  // namespace burrow::firewall
