// Elements of the firewall's sets and maps as values: what networks and containers put into the
// fixed ruleset. Pure: nothing here knows netlink or the kernel.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <compare>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/ip.h"
#include "core/json.h"
#include "core/names.h"
#include "core/port.h"
#include "core/rate.h"
#include "core/result.h"

namespace burrow::firewall {

/// The sets and maps of the ruleset; docs/firewall.md says what each is for.
enum class SetName : uint8_t {
  bridges,
  same_bridge,
  isolated,
  strict,
  internal,
  subnets4,
  subnets6,
  same_network4,
  same_network6,
  snat4,
  snat6,
  routed4,
  routed6,
  loopback6,
  dns4,
  dns6,
  publish4,
  publish4_at,
  publish4_range,
  publish6,
  publish6_at,
  publish6_range,
  asked4,
  asked6,
  limited4,
  limited6,
  limited_bridges,
  egress_deny4,
  egress_deny6,
  egress_allow4,
  egress_allow6,
  egress_only4,
  egress_only6,
  network_egress_deny4,
  network_egress_deny6,
  network_egress_allow4,
  network_egress_allow6,
  network_egress_only,
  ingress_deny4,
  ingress_deny6,
  ingress_allow4,
  ingress_allow6,
  ingress_only4,
  ingress_only6,
  network_ingress_deny4,
  network_ingress_deny6,
  network_ingress_allow4,
  network_ingress_allow6,
  network_ingress_only,
  connection_rate4,
  connection_rate6,
  connections4,
  connections6,
  packet_rate4,
  packet_rate6,
  egress_deny_named4,
  egress_deny_named6,
  egress_allow_named4,
  egress_allow_named6,
  network_egress_deny_named4,
  network_egress_deny_named6,
  network_egress_allow_named4,
  network_egress_allow_named6,
  admitted4,
  admitted6,
};
constexpr size_t kSetCount = 65;

/// Consecutive ports, both bounds included.
struct PortRange {
  uint16_t first = 0;
  uint16_t last = 0;
  friend auto operator<=>(const PortRange&, const PortRange&) = default;
};

/// How many connections there may be at a time; at least 1.
struct ConnectionCount {
  uint32_t most = 1;
  friend auto operator<=>(const ConnectionCount&, const ConnectionCount&) = default;
};

/// What one part of a key or of a mapped value is.
enum class FieldType : uint8_t {
  link,
  address4,
  address6,
  prefix4,
  prefix6,
  protocol,
  port,
  ports,
  rate,         ///< no bytes of a key or value, but what the kernel counts by for an element
  connections,  ///< likewise
};

/// One part of a key or of a mapped value. A single port is a range of one.
using Field =
    std::variant<LinkName, IpAddress, IpNetwork, Protocol, PortRange, Rate, ConnectionCount>;

/// Up to five types of fields, in their order; a constant that costs nothing at start.
class FieldTypes {
 public:
  constexpr FieldTypes(std::initializer_list<FieldType> types) : size_(types.size()) {
    std::copy(types.begin(), types.end(), types_.begin());
  }
  [[nodiscard]] constexpr const FieldType* begin() const { return types_.data(); }
  [[nodiscard]] constexpr const FieldType* end() const { return types_.data() + size_; }
  [[nodiscard]] constexpr size_t size() const { return size_; }
  [[nodiscard]] constexpr bool empty() const { return size_ == 0; }
  constexpr FieldType operator[](size_t i) const { return types_.at(i); }

 private:
  std::array<FieldType, 5> types_{};
  size_t size_ = 0;
};

/// Who puts elements into a set: commands, which have them on record; rules, as packets pass; or
/// the DNS daemon with its answers, each for a while of its own (named_peers.h). What is on no
/// record comes and goes without anybody missing it.
enum class FilledBy : uint8_t { commands, packets, answers };

/// The parts that keys and mapped values of a set have. `value` is empty for sets, and a
/// single bound for sets whose elements count: such a key is in its set only while the bound is
/// exceeded.
struct SetShape {
  SetName set;
  std::string_view name;
  FieldTypes key;
  FieldTypes value;
  std::string_view comment;  ///< for people who list the table
  FilledBy filled_by = FilledBy::commands;
  /// How long an element stays where that is the same for all: in sets that packets fill.
  std::optional<std::chrono::seconds> lifetime = {};
  /// Whether a key may be an interval.
  [[nodiscard]] bool has_intervals() const;
  /// Whether elements count by a bound.
  [[nodiscard]] constexpr bool has_bound() const {
    return value.size() == 1 && (value[0] == FieldType::rate || value[0] == FieldType::connections);
  }
  /// Whether keys map to values.
  [[nodiscard]] constexpr bool is_map() const { return !value.empty() && !has_bound(); }
};

const SetShape& shape_of(SetName set);
/// All shapes in the order in which the ruleset declares them.
std::span<const SetShape> all_shapes();

/// One element: a key, what it maps to, and who it belongs to. Ordered by set, then key.
struct Element {
  SetName set;
  std::vector<Field> key;
  std::vector<Field> value;
  /// The comment that the kernel keeps with the element, at most kLongestOwner bytes.
  std::string owner;
  friend auto operator<=>(const Element&, const Element&) = default;
};

/// What nft accepts as a comment.
constexpr size_t kLongestOwner = 127;

/// Whether an element of set `a` with key `a_key` is claimed by the same packets as `b`: the keys
/// of one set overlap, or both publish the same port of the same family and address.
bool overlaps(const Element& a, const Element& b);

/// {"set": "publish4", "key": "tcp . 8080", "to": "10.89.0.2 . 80", "owner": "..."}; "to" only in
/// maps, and "limit" instead where elements count.
Json encode(const Element& element);
/// Errors: invalid_input with the path of the field.
Result<Element> decode_element(const JsonCursor& cursor);

/// As nft writes it: `publish4 { tcp . 8080 : 10.89.0.2 . 80 }`.
std::string to_string(const Element& element);
/// The parts of a key or value as nft writes them: `tcp . 8080`.
std::string to_string(std::span<const Field> fields);

}  // namespace burrow::firewall
