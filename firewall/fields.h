// Keys and mapped values of elements as the bytes that nf_tables has for them. Pure, for this
// folder alone.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "firewall/elements.h"

namespace burrow::firewall {

/// The first and the last key of an interval, equally long; the same twice for a single key.
struct KeyBounds {
  std::vector<uint8_t> first;
  std::vector<uint8_t> last;
};

/// In a concatenation every part is padded to four bytes.
KeyBounds encode_key(std::span<const Field> key);
std::vector<uint8_t> encode_fields(std::span<const Field> fields);

/// Nothing when the bytes are no key of this shape, such as an interval that is no prefix.
std::optional<std::vector<Field>> decode_key(std::span<const FieldType> types,
                                             const KeyBounds& bounds);
std::optional<std::vector<Field>> decode_fields(std::span<const FieldType> types,
                                                std::span<const uint8_t> bytes);

/// The key after `key`, as a big-endian number; nothing after the last.
std::optional<std::vector<uint8_t>> next_key(std::vector<uint8_t> key);
/// The key before `key`; that of all zeros is followed round.
std::vector<uint8_t> previous_key(std::vector<uint8_t> key);

/// nft's number for a type, six bits per part; 0 for none (include/datatype.h of nftables).
uint32_t kernel_type(std::span<const FieldType> types);
/// Bytes of a key or value of these parts, padding included.
uint32_t kernel_length(std::span<const FieldType> types);

}  // namespace burrow::firewall
