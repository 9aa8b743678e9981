#include <doctest/doctest.h>

#include "core/json.h"
#include "core/log.h"
#include "core/mac.h"
#include "core/names.h"
#include "core/port.h"

using namespace burrow;

TEST_CASE("a MAC address parses with one separator and one or two digits a byte") {
  CHECK(MacAddress::parse("92:d0:c6:0a:29:35")->to_string() == "92:d0:c6:0a:29:35");
  CHECK(MacAddress::parse("2-0-0-A-b-1")->to_string() == "02:00:00:0a:0b:01");
  for (const auto* text : {"", "92:d0:c6:0a:29", "92:d0:c6:0a:29:35:1", "92:d0-c6:0a:29:35",
                           "92:d0:c6:0a:29:3g", "92:d0:c6:0a:29:", "192:d0:c6:0a:29:35"}) {
    CAPTURE(text);
    CHECK_FALSE(MacAddress::parse(text));
  }
}

TEST_CASE("a derived MAC address is unicast, locally administered and always the same") {
  for (const auto* seed : {"", "a", "network/10.0.0.2"}) {
    const auto mac = MacAddress::derived_from(seed);
    CHECK(mac.is_usable());
    CHECK((mac.bytes()[0] & 0x02) != 0);
    CHECK(mac == MacAddress::derived_from(seed));
  }
  CHECK(MacAddress::derived_from("a") != MacAddress::derived_from("b"));
  CHECK_FALSE(MacAddress::parse("01:00:5e:00:00:01")->is_usable());
  CHECK_FALSE(MacAddress{}.is_usable());
}

TEST_CASE("a link name is what the kernel takes") {
  CHECK(LinkName::parse("eth0"));
  CHECK(LinkName::parse("abcdefghijklmno"));
  CHECK(LinkName::parse("abcdefghijklmnop").error().message ==
        "interface name is longer than 15 characters: \"abcdefghijklmnop\"");
  for (const auto* text : {"", ".", "..", "a/b", "a:b", "a b", "a\tb", "veth%d"}) {
    CAPTURE(text);
    CHECK_FALSE(LinkName::parse(text));
  }
}

TEST_CASE("a network name starts with a letter or digit and stays short enough for a file") {
  CHECK(NetworkName::parse("front-1.a_b"));
  CHECK(NetworkName::parse(std::string(120, 'a')));
  CHECK_FALSE(NetworkName::parse(std::string(121, 'a')));
  for (const auto* text : {"", "-a", ".a", "foo/", "2bad!", "a b", "../x"}) {
    CAPTURE(text);
    CHECK_FALSE(NetworkName::parse(text));
  }
}

TEST_CASE("port ranges end at 65535") {
  const auto mapping = [](uint16_t host, uint16_t container, uint16_t count) {
    return PortMapping{.host_address = {},
                       .host_port = host,
                       .container_port = container,
                       .count = count,
                       .protocol = Protocol::tcp};
  };
  CHECK(check_ranges(mapping(65535, 1, 1)));
  CHECK_FALSE(check_ranges(mapping(65535, 1, 2)));
  CHECK_FALSE(check_ranges(mapping(1, 65535, 2)));
  CHECK_FALSE(check_ranges(mapping(0, 80, 1)));
  CHECK(parse_protocol("TCP") == Protocol::tcp);
  CHECK_FALSE(parse_protocol("icmp"));
}

TEST_CASE("a JSON error says where and what was found") {
  const auto document = *parse_json(R"({"a": {"b": [1, "x"]}, "n": null})");
  const JsonCursor root{document};
  const auto elements = *root.at("a")->at("b")->elements();
  CHECK(elements[1].unsigned_integer(5).error().message ==
        "a.b[1]: expected an integer, found string");
  CHECK(elements[1].parsed(IpAddress::parse).error().message ==
        "a.b[1]: invalid IP address syntax: \"x\"");
  CHECK(root.at("n").error().message == "document: missing field \"n\"");
  CHECK_FALSE(*root.find("n"));
  CHECK(elements[0].unsigned_integer(0).error().message == "a.b[0]: 1 is not in the range 0 to 0");
}

TEST_CASE("JSON that a careful reader refuses is refused") {
  const std::vector<std::string> bad{
      "{", R"({"a":1,"a":2})", "{} x", "", "\"\xff\"", std::string(40, '[') + std::string(40, ']')};
  for (const auto& text : bad) {
    CAPTURE(text);
    CHECK_FALSE(parse_json(text));
  }
  CHECK(parse_json(R"({"a":{"x":1},"b":{"x":1}})"));
  CHECK(parse_json(R"(["[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["])"));
  CHECK_FALSE(parse_json("[1,2]", 3));
}

TEST_CASE("the log level is found in the forms that callers set") {
  CHECK(log::parse_level("info", log::Level::error) == log::Level::info);
  CHECK(log::parse_level("netavark=DEBUG", log::Level::error) == log::Level::debug);
  CHECK(log::parse_level("netavark=trace,other=off", log::Level::error) == log::Level::trace);
  CHECK(log::parse_level("netavark=panic", log::Level::error) == log::Level::error);
}
