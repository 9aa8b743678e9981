#include "firewall/elements.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>

namespace burrow::firewall {
namespace {

using enum FieldType;

constexpr std::string_view kSeparator = " . ";

Result<uint16_t> parse_port(std::string_view text) {
  uint16_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value == 0) {
    return fail(Errc::invalid_input, "not a port: \"{}\"", text.substr(0, 32));
  }
  return value;
}

Result<PortRange> parse_ports(std::string_view text) {
  const auto dash = text.find('-');
  const auto first = TRY(parse_port(text.substr(0, dash)));
  const auto last = dash == text.npos ? first : TRY(parse_port(text.substr(dash + 1)));
  if (last < first) return fail(Errc::invalid_input, "not a port range: \"{}\"", text);
  return PortRange{first, last};
}

Result<ConnectionCount> parse_count(std::string_view text) {
  ConnectionCount count;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count.most);
  if (error != std::errc{} || end != text.data() + text.size() || count.most == 0) {
    return fail(Errc::invalid_input, "not a number of connections: \"{}\"", text.substr(0, 32));
  }
  return count;
}

Result<Field> parse_field(FieldType type, std::string_view text) {
  const auto of_family = [&](auto value, Family family) -> Result<Field> {
    if (value.family() != family) {
      return fail(Errc::invalid_input, "wrong address family: \"{}\"", text);
    }
    return Field{value};
  };
  switch (type) {
    case link:
      return Field{TRY(LinkName::parse(text))};
    case address4:
      return of_family(TRY(IpAddress::parse(text)), Family::ipv4);
    case address6:
      return of_family(TRY(IpAddress::parse(text)), Family::ipv6);
    case prefix4:
      return of_family(TRY(IpNetwork::parse(text)), Family::ipv4);
    case prefix6:
      return of_family(TRY(IpNetwork::parse(text)), Family::ipv6);
    case protocol:
      return Field{TRY(parse_protocol(text))};
    case port: {
      const auto single = TRY(parse_port(text));
      return Field{PortRange{single, single}};
    }
    case ports:
      return Field{TRY(parse_ports(text))};
    case rate:
      return Field{TRY(Rate::parse(text))};
    case connections:
      return Field{TRY(parse_count(text))};
  }
  return fail(Errc::invalid_input, "unknown kind of field");
}

Result<std::vector<Field>> parse_fields(std::span<const FieldType> types, std::string_view text) {
  std::vector<Field> fields;
  std::string_view rest = text;
  for (size_t i = 0; i < types.size(); ++i) {
    const bool is_last = i + 1 == types.size();
    const auto end = is_last ? rest.size() : rest.find(kSeparator);
    if (end == rest.npos) {
      return fail(Errc::invalid_input, "expected {} parts, found \"{}\"", types.size(),
                  text.substr(0, 128));
    }
    fields.push_back(TRY(parse_field(types[i], rest.substr(0, end))));
    if (!is_last) rest.remove_prefix(end + kSeparator.size());
  }
  return fields;
}

bool overlaps(const Field& a, const Field& b) {
  if (a.index() != b.index()) return false;
  if (const auto* network = std::get_if<IpNetwork>(&a)) {
    return network->overlaps(std::get<IpNetwork>(b));
  }
  if (const auto* range = std::get_if<PortRange>(&a)) {
    const auto& other = std::get<PortRange>(b);
    return range->first <= other.last && other.first <= range->last;
  }
  return a == b;
}

enum class Claim : uint8_t { none, wildcard, specific };

struct PublishSet {
  SetName set;
  Family family;
  Claim claim;
};
constexpr std::array<PublishSet, 6> kPublishSets{{
    {SetName::publish4, Family::ipv4, Claim::wildcard},
    {SetName::publish4_range, Family::ipv4, Claim::wildcard},
    {SetName::publish4_at, Family::ipv4, Claim::specific},
    {SetName::publish6, Family::ipv6, Claim::wildcard},
    {SetName::publish6_range, Family::ipv6, Claim::wildcard},
    {SetName::publish6_at, Family::ipv6, Claim::specific},
}};

const PublishSet* publish_set(SetName set) {
  const auto* found = std::ranges::find(kPublishSets, set, &PublishSet::set);
  return found == kPublishSets.end() ? nullptr : found;
}

// Protocol and ports of an element of a publish map; a specific one has its address before them.
std::span<const Field> port_fields(const Element& element, const PublishSet& set) {
  return std::span{element.key}.subspan(set.claim == Claim::specific ? 1 : 0);
}

const char* value_member(const SetShape& shape) { return shape.has_bound() ? "limit" : "to"; }

}  // namespace

bool overlaps(const Element& a, const Element& b) {
  const auto all_overlap = [](std::span<const Field> left, std::span<const Field> right) {
    return std::ranges::equal(
        left, right, [](const Field& one, const Field& other) { return overlaps(one, other); });
  };
  if (a.set == b.set) return all_overlap(a.key, b.key);
  const auto* left = publish_set(a.set);
  const auto* right = publish_set(b.set);
  if (left == nullptr || right == nullptr || left->family != right->family) return false;
  return all_overlap(port_fields(a, *left), port_fields(b, *right));
}

Json encode(const Element& element) {
  Json json;
  json["set"] = shape_of(element.set).name;
  json["key"] = to_string(element.key);
  if (!element.value.empty()) {
    json[value_member(shape_of(element.set))] = to_string(element.value);
  }
  json["owner"] = element.owner;
  return json;
}

Result<Element> decode_element(const JsonCursor& cursor) {
  const auto name_cursor = TRY(cursor.at("set"));
  const auto name = TRY(name_cursor.string());
  const auto shapes = all_shapes();
  const auto shape = std::ranges::find(shapes, name, &SetShape::name);
  if (shape == shapes.end()) return name_cursor.failure("unknown set \"{}\"", name.substr(0, 32));
  const auto fields_at = [&](std::string_view member, std::span<const FieldType> types) {
    return [&cursor, member, types]() -> Result<std::vector<Field>> {
      const auto place = TRY(cursor.at(member));
      return place.parsed([types](std::string_view text) { return parse_fields(types, text); });
    }();
  };
  Element element{.set = shape->set};
  element.key = TRY(fields_at("key", shape->key));
  if (!shape->value.empty()) element.value = TRY(fields_at(value_member(*shape), shape->value));
  const auto owner = TRY(cursor.at("owner"));
  element.owner = TRY(owner.string());
  const bool is_printable = std::ranges::all_of(
      element.owner, [](char c) { return static_cast<unsigned char>(c) >= ' ' && c != '"'; });
  if (element.owner.size() > kLongestOwner || !is_printable) {
    return owner.failure("not an owner: \"{}\"", element.owner.substr(0, 32));
  }
  return element;
}

std::string to_string(std::span<const Field> fields) {
  struct Text {
    std::string operator()(const LinkName& name) const { return name.str(); }
    std::string operator()(const IpAddress& address) const { return address.to_string(); }
    std::string operator()(const IpNetwork& network) const { return network.to_string(); }
    std::string operator()(Protocol value) const { return std::string{burrow::to_string(value)}; }
    std::string operator()(const PortRange& range) const {
      return range.first == range.last ? fmt::format("{}", range.first)
                                       : fmt::format("{}-{}", range.first, range.last);
    }
    std::string operator()(const Rate& value) const { return value.to_string(); }
    std::string operator()(const ConnectionCount& count) const {
      return fmt::format("{}", count.most);
    }
  };
  std::string text;
  for (const auto& field : fields) {
    if (!text.empty()) text += kSeparator;
    text += std::visit(Text{}, field);
  }
  return text;
}

std::string to_string(const Element& element) {
  auto text =
      fmt::format("{} {{ {}", shape_of(element.set).name, to_string(std::span{element.key}));
  if (!element.value.empty()) text += fmt::format(" : {}", to_string(std::span{element.value}));
  return text + " }";
}

}  // namespace burrow::firewall
