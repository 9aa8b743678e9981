#include "firewall/elements.h"

#include <doctest/doctest.h>

#include "firewall/conflicts.h"
#include "firewall/fields.h"
#include "firewall/policy.h"

namespace burrow::firewall {
namespace {

Result<Element> decode(std::string_view text) {
  const auto json = parse_json(text);
  REQUIRE(json.has_value());
  return decode_element(JsonCursor{*json});
}

Element element(std::string_view text) {
  auto decoded = decode(text);
  REQUIRE_MESSAGE(decoded.has_value(), decoded.error().message);
  return *std::move(decoded);
}

Element in(std::string_view set, std::string_view key, std::string_view to,
           std::string_view owner = "container web (a) on network front") {
  return element(
      fmt::format(R"({{"set":"{}","key":"{}","to":"{}","owner":"{}"}})", set, key, to, owner));
}

// One of each set, as the journal keeps them: changing this text breaks records on disk.
// The last sets are for answers of the DNS daemon and for rules to fill.
constexpr size_t kRecordedSets = kSetCount - 10;
constexpr std::string_view kGolden[] = {
    R"({"set":"bridges","key":"br0","owner":"network front"})",
    R"({"set":"same_bridge","key":"br0 . br0","owner":"network front"})",
    R"({"set":"isolated","key":"br0","owner":"network front"})",
    R"({"set":"strict","key":"br0","owner":"network front"})",
    R"({"set":"internal","key":"br0","owner":"network front"})",
    R"({"set":"subnets4","key":"10.89.0.0/24","owner":"network front"})",
    R"({"set":"subnets6","key":"fd00::/64","owner":"network front"})",
    R"({"set":"same_network4","key":"10.89.0.0/24 . 10.90.0.0/24","owner":"network front"})",
    R"({"set":"same_network6","key":"fd00::/64 . fd01::/64","owner":"network front"})",
    R"({"set":"snat4","key":"10.89.0.0/24","to":"192.0.2.5","owner":"network front"})",
    R"({"set":"snat6","key":"fd00::/64","to":"2001:db8::5","owner":"network front"})",
    R"({"set":"routed4","key":"10.89.0.0/24","owner":"network front"})",
    R"({"set":"routed6","key":"fd00::/64","owner":"network front"})",
    R"({"set":"loopback6","key":"fd00::/64","owner":"network front"})",
    R"({"set":"dns4","key":"10.89.0.1 . udp . 53","to":"10.89.0.1 . 1153","owner":"network front"})",
    R"({"set":"dns6","key":"fd00::1 . tcp . 53","to":"fd00::1 . 1153","owner":"network front"})",
    R"({"set":"publish4","key":"tcp . 8080","to":"10.89.0.2 . 80","owner":"a"})",
    R"({"set":"publish4_at","key":"127.0.0.1 . sctp . 8080","to":"10.89.0.2 . 80","owner":"a"})",
    R"({"set":"publish4_range","key":"udp . 8000-8099","to":"10.89.0.2","owner":"a"})",
    R"({"set":"publish6","key":"tcp . 8080","to":"fd00::2 . 80","owner":"a"})",
    R"({"set":"publish6_at","key":"2001:db8::1 . tcp . 8080","to":"fd00::2 . 80","owner":"a"})",
    R"({"set":"publish6_range","key":"tcp . 8000","to":"fd00::2","owner":"a"})",
    R"({"set":"asked4","key":"0.0.0.0/0 . tcp . 8080","owner":"a"})",
    R"({"set":"asked6","key":"2001:db8::1/128 . udp . 8000-8099","owner":"a"})",
    R"({"set":"limited4","key":"10.89.0.2","owner":"a"})",
    R"({"set":"limited6","key":"fd00::2","owner":"a"})",
    R"({"set":"limited_bridges","key":"br0","owner":"network front"})",
    R"({"set":"egress_deny4","key":"10.89.0.2 . 192.0.2.0/24","owner":"a"})",
    R"({"set":"egress_deny6","key":"fd00::2 . 2001:db8::/32","owner":"a"})",
    R"({"set":"egress_allow4","key":"10.89.0.2 . 192.0.2.0/24","owner":"a"})",
    R"({"set":"egress_allow6","key":"fd00::2 . 2001:db8::/32","owner":"a"})",
    R"({"set":"egress_only4","key":"10.89.0.2","owner":"a"})",
    R"({"set":"egress_only6","key":"fd00::2","owner":"a"})",
    R"({"set":"network_egress_deny4","key":"br0 . 192.0.2.0/24","owner":"network front"})",
    R"({"set":"network_egress_deny6","key":"br0 . 2001:db8::/32","owner":"network front"})",
    R"({"set":"network_egress_allow4","key":"br0 . 192.0.2.0/24","owner":"network front"})",
    R"({"set":"network_egress_allow6","key":"br0 . 2001:db8::/32","owner":"network front"})",
    R"({"set":"network_egress_only","key":"br0","owner":"network front"})",
    R"({"set":"ingress_deny4","key":"10.89.0.2 . 192.0.2.0/24","owner":"a"})",
    R"({"set":"ingress_deny6","key":"fd00::2 . 2001:db8::/32","owner":"a"})",
    R"({"set":"ingress_allow4","key":"10.89.0.2 . 192.0.2.0/24","owner":"a"})",
    R"({"set":"ingress_allow6","key":"fd00::2 . 2001:db8::/32","owner":"a"})",
    R"({"set":"ingress_only4","key":"10.89.0.2","owner":"a"})",
    R"({"set":"ingress_only6","key":"fd00::2","owner":"a"})",
    R"({"set":"network_ingress_deny4","key":"br0 . 192.0.2.0/24","owner":"network front"})",
    R"({"set":"network_ingress_deny6","key":"br0 . 2001:db8::/32","owner":"network front"})",
    R"({"set":"network_ingress_allow4","key":"br0 . 192.0.2.0/24","owner":"network front"})",
    R"({"set":"network_ingress_allow6","key":"br0 . 2001:db8::/32","owner":"network front"})",
    R"({"set":"network_ingress_only","key":"br0","owner":"network front"})",
    R"({"set":"connection_rate4","key":"10.89.0.2","limit":"100/second burst 20","owner":"a"})",
    R"({"set":"connection_rate6","key":"fd00::2","limit":"100/second burst 20","owner":"a"})",
    R"({"set":"connections4","key":"10.89.0.2","limit":"500","owner":"a"})",
    R"({"set":"connections6","key":"fd00::2","limit":"500","owner":"a"})",
    R"({"set":"packet_rate4","key":"10.89.0.2","limit":"100/second burst 20","owner":"a"})",
    R"({"set":"packet_rate6","key":"fd00::2","limit":"100/second burst 20","owner":"a"})",
};

}  // namespace

TEST_CASE("elements of every set keep their text in a record") {
  REQUIRE(std::size(kGolden) == kRecordedSets);
  for (size_t i = 0; i < kRecordedSets; ++i) {
    const auto one = element(kGolden[i]);
    CHECK(static_cast<size_t>(one.set) == i);
    CHECK(encode(one).dump() == kGolden[i]);
    CHECK(shape_of(one.set).set == one.set);
  }
}

TEST_CASE("elements of every set survive the kernel's bytes") {
  for (const auto text : kGolden) {
    const auto one = element(text);
    const auto& shape = shape_of(one.set);
    const auto bounds = encode_key(one.key);
    CHECK(bounds.first.size() == kernel_length(shape.key));
    CHECK(decode_key(shape.key, bounds) == one.key);
    const auto value = encode_fields(one.value);
    CHECK(value.size() == kernel_length(shape.value));
    if (shape.has_bound()) continue;  // which stands beside key and value
    CHECK(decode_fields(shape.value, value) == one.value);
  }
}

TEST_CASE("bytes that are no key of a set do not decode") {
  using enum FieldType;
  const std::vector<FieldType> prefix{prefix4};
  CHECK_FALSE(decode_key(prefix, {{10, 0, 0, 0}, {10, 0, 0, 200}}));
  CHECK_FALSE(decode_key(prefix, {{10, 0, 0, 1}, {10, 0, 0, 255}}));
  CHECK_FALSE(decode_key(prefix, {{10, 0, 0}, {10, 0, 0}}));
  CHECK(decode_key(prefix, {{0, 0, 0, 0}, {255, 255, 255, 255}}));
  const std::vector<FieldType> port_key{protocol, port};
  CHECK_FALSE(decode_key(port_key, {{99, 0, 0, 0, 0, 80, 0, 0}, {99, 0, 0, 0, 0, 80, 0, 0}}));
  const std::vector<FieldType> name{link};
  CHECK_FALSE(decode_fields(name, std::vector<uint8_t>(16)));
}

TEST_CASE("keys have neighbours") {
  CHECK(next_key({0, 255}) == std::vector<uint8_t>{1, 0});
  CHECK(next_key({255, 255}) == std::nullopt);
  CHECK(previous_key({1, 0}) == std::vector<uint8_t>{0, 255});
}

TEST_CASE("records that do not decode say where") {
  const auto message = [](std::string_view text) {
    const auto decoded = decode(text);
    REQUIRE_FALSE(decoded.has_value());
    CHECK(decoded.error().code == Errc::invalid_input);
    return decoded.error().message;
  };
  CHECK(message(R"({"set":"nothing","key":"x","owner":""})") == "set: unknown set \"nothing\"");
  CHECK(message(R"({"set":"bridges","owner":""})") == "document: missing field \"key\"");
  CHECK(message(R"({"set":"publish4","key":"tcp","to":"10.0.0.1 . 1","owner":""})") ==
        "key: expected 2 parts, found \"tcp\"");
  CHECK(message(R"({"set":"publish4","key":"tcp . 0","to":"10.0.0.1 . 1","owner":""})") ==
        "key: not a port: \"0\"");
  CHECK(message(R"({"set":"publish4","key":"tcp . 1-2","to":"10.0.0.1 . 1","owner":""})") ==
        "key: not a port: \"1-2\"");
  CHECK(message(R"({"set":"publish4_range","key":"tcp . 2-1","to":"10.0.0.1","owner":""})") ==
        "key: not a port range: \"2-1\"");
  CHECK(message(R"({"set":"publish4","key":"tcp . 1","to":"fd00::1 . 1","owner":""})") ==
        "to: wrong address family: \"fd00::1\"");
  CHECK(message(R"({"set":"subnets4","key":"10.0.0.1/8","owner":""})").starts_with("key: "));
  CHECK(message(R"({"set":"packet_rate4","key":"10.0.0.1","limit":"0/second","owner":""})")
            .starts_with("limit: not a rate"));
  CHECK(message(R"({"set":"connections4","key":"10.0.0.1","limit":"0","owner":""})") ==
        "limit: not a number of connections: \"0\"");
  CHECK(message(R"({"set":"bridges","key":"br0","owner":"a\nb"})").starts_with("owner: "));
  CHECK(message(R"({"set":"bridges","key":"br0","owner":7})").starts_with("owner: "));
}

TEST_CASE("elements read like nft's own") {
  CHECK(to_string(element(kGolden[16])) == "publish4 { tcp . 8080 : 10.89.0.2 . 80 }");
  CHECK(to_string(element(kGolden[0])) == "bridges { br0 }");
}

TEST_CASE("publications of one port overlap across the maps of a family") {
  const auto wildcard = in("publish4", "tcp . 8080", "10.89.0.2 . 80");
  const auto at = in("publish4_at", "127.0.0.1 . tcp . 8080", "10.89.0.2 . 80");
  const auto elsewhere = in("publish4_at", "127.0.0.2 . tcp . 8080", "10.89.0.2 . 80");
  const auto range = in("publish4_range", "tcp . 8000-8099", "10.89.0.2");
  const auto six = in("publish6", "tcp . 8080", "fd00::2 . 80");
  CHECK(overlaps(wildcard, at));
  CHECK(overlaps(at, wildcard));
  CHECK(overlaps(range, wildcard));
  CHECK(overlaps(at, range));
  CHECK_FALSE(overlaps(at, elsewhere));
  CHECK_FALSE(overlaps(wildcard, six));
  CHECK_FALSE(overlaps(range, in("publish4", "udp . 8080", "10.89.0.2 . 80")));
  CHECK_FALSE(overlaps(range, in("publish4", "tcp . 8100", "10.89.0.2 . 80")));
}

TEST_CASE("a list with two claims on one port is refused, whatever their order") {
  const auto other = "container api (b) on network front";
  const std::vector<std::pair<Element, Element>> clashes{
      {in("publish4", "tcp . 80", "10.0.0.1 . 80"),
       in("publish4", "tcp . 80", "10.0.0.2 . 80", other)},
      {in("publish4", "tcp . 80", "10.0.0.1 . 80"),
       in("publish4_at", "127.0.0.1 . tcp . 80", "10.0.0.2 . 80", other)},
      {in("publish4_range", "tcp . 70-90", "10.0.0.1"),
       in("publish4", "tcp . 80", "10.0.0.2 . 80", other)},
      {in("publish4_range", "tcp . 70-90", "10.0.0.1"),
       in("publish4_range", "tcp . 90-99", "10.0.0.2", other)},
      {in("publish6_range", "tcp . 70-90", "fd00::1"),
       in("publish6_at", "::1 . tcp . 90", "fd00::2 . 1", other)},
  };
  for (const auto& [one, two] : clashes) {
    for (const auto& list : {std::vector{one, two}, std::vector{two, one}}) {
      const auto outcome = without_conflicts(list);
      REQUIRE_FALSE(outcome.has_value());
      CHECK(outcome.error().code == Errc::already_exists);
    }
  }
  CHECK(conflict(clashes[1].second, clashes[1].first).value().message ==
        "port 127.0.0.1:80/tcp is already published by container \"web\" on network \"front\"");
  CHECK(conflict(clashes[4].second, clashes[4].first).value().message ==
        "port [::1]:90/tcp is already published by container \"web\" on network \"front\"");
}

TEST_CASE("a list keeps what agrees, sorted and once") {
  const std::vector list{
      in("publish4", "tcp . 81", "10.0.0.1 . 80"), in("publish4", "tcp . 80", "10.0.0.1 . 80"),
      in("publish4", "tcp . 81", "10.0.0.1 . 80"), in("publish4_range", "tcp . 82-99", "10.0.0.1"),
      in("publish4_at", "127.0.0.1 . tcp . 100", "10.0.0.1 . 80")};
  const auto outcome = without_conflicts(list);
  REQUIRE(outcome.has_value());
  CHECK(outcome->size() == 4);
  CHECK(std::ranges::is_sorted(*outcome));
}

TEST_CASE("only wildcards and ranges make a map be read") {
  CHECK(probes_for(in("publish4_at", "127.0.0.1 . tcp . 80", "10.0.0.1 . 80")).scans.empty());
  CHECK(probes_for(in("publish4", "tcp . 80", "10.0.0.1 . 80")).scans ==
        std::vector{SetName::publish4_at});
  const auto short_range = probes_for(in("publish6_range", "tcp . 1-256", "fd00::1"));
  CHECK(short_range.lookups.size() == 256);
  CHECK(short_range.scans == std::vector{SetName::publish6_range, SetName::publish6_at});
  const auto long_range = probes_for(in("publish6_range", "tcp . 1-65535", "fd00::1"));
  CHECK(long_range.lookups.empty());
  CHECK(long_range.scans.size() == 3);
}

}  // namespace burrow::firewall
