#include <doctest/doctest.h>

#include "dhcp/command_line.h"
#include "dhcp/protocol.h"
#include "dhcp/record.h"

using namespace burrow;
using namespace burrow::dhcp;

namespace {

LeaseRequest request() {
  return {.holder = {*ContainerId::parse("c1"), *LinkName::parse("eth0")},
          .network = *NetworkName::parse("lan"),
          .netns = "/run/netns/c1",
          .mac = MacAddress{{2, 0, 0, 0, 0, 1}},
          .hostname = "web",
          .client_id = "mine",
          .families = {Family::ipv4, Family::ipv6},
          .default_route = DefaultRoute::leave,
          .metric = 42,
          .mtu = MtuFrom::link,
          .patience = seconds{5}};
}

Lease lease() {
  return {.address = *IpInterface::parse("10.5.0.50/24"),
          .times = {seconds{60}, seconds{105}, seconds{120}},
          .server = *IpAddress::parse("10.5.0.1"),
          .routes = {{*IpNetwork::parse("10.9.0.0/16"), std::nullopt},
                     {*IpNetwork::parse("0.0.0.0/0"), *IpAddress::parse("10.5.0.1")}},
          .dns_servers = {*IpAddress::parse("10.5.0.1")},
          .domains = {"lan"},
          .mtu = 1400};
}

std::string refusal(std::string_view line) {
  const auto command = decode_command(line);
  return command ? std::string{} : command.error().message;
}

CommandLine parsed(std::initializer_list<const char*> arguments, const char* directory = nullptr) {
  const std::vector<const char*> list{arguments};
  return *parse_command_line(list, [&](const char*) -> std::optional<std::string> {
    if (directory == nullptr) return std::nullopt;
    return directory;
  });
}

}  // namespace

TEST_CASE("a command comes out as it went in") {
  const auto text = encode(Command{SetUp{request()}});
  CHECK(text.find('\n') == text.npos);
  const auto command = decode_command(text);
  REQUIRE(command);
  CHECK(encode(*command) == text);
  CHECK(std::get<SetUp>(*command).request.client_id == "mine");
}

TEST_CASE("a command that cannot be meant is refused with its place") {
  CHECK_FALSE(refusal("x").empty());
  CHECK(refusal(R"({"command":"dance"})") ==
        "command \"dance\" is none of setup, commit, teardown, status");
  const auto setup = [](const std::string& change) {
    auto json = encode(request());
    json.update(Json::parse(change));
    return refusal(Json{{"command", "setup"}, {"request", json}}.dump());
  };
  CHECK(setup("{}") == "");
  CHECK(setup(R"({"families":[]})") == "request.families: is empty");
  CHECK(setup(R"({"families":["ipv4","ipv4"]})") == "request.families[1]: stands twice");
  CHECK(setup(R"({"netns":"c1"})") == "request: netns \"c1\" is no absolute path");
  CHECK(setup(R"({"hostname":"a b"})") == "request.hostname: is no host name");
  CHECK(setup(R"({"patience":0})") == "request.patience: must be 1 to 300");
  CHECK(setup(R"({"mtu":"mine"})") == "request.mtu: must be \"lease\" or \"link\"");
  CHECK(setup(R"({"client_id":""})") == "request.client_id: must have 1 to 254 bytes");
  CHECK_FALSE(setup(R"({"container":"../x"})").empty());
}

TEST_CASE("a refusal comes back as the error that it was") {
  const auto answer = decode_answer(encode_refusal({Errc::timeout, "too late"}));
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == Errc::timeout);
  CHECK(answer.error().message == "too late");
}

TEST_CASE("what is no answer of ours is called so") {
  const auto answer = decode_answer("PRI * HTTP/2.0");
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == Errc::corrupt);
}

TEST_CASE("leases and statuses come out as they went in") {
  CHECK(*decode_leases(*decode_answer(encode_leases({lease()}))) == std::vector{lease()});
  const LeaseStatus status{request().holder, request().network, "/run/netns/c1",
                           "bound",          lease(),           seconds{7}};
  const auto found = decode_statuses(*decode_answer(encode_statuses({status})));
  REQUIRE(found);
  CHECK(encode_statuses(*found) == encode_statuses({status}));
}

TEST_CASE("a record comes out as it went in, in the same boot only") {
  LeaseRecord record{.request = request(),
                     .netns = {1, 2},
                     .mac = MacAddress{{2, 0, 0, 0, 0, 1}},
                     .commitment = Commitment::committed};
  record.ipv4 = Held{.lease = lease(), .since = Instant{milliseconds{5}}, .hop = record.mac};
  auto six = lease();
  six.address = *IpInterface::parse("fd00::5/128");
  record.ipv6 = Held{.lease = six, .since = Instant{milliseconds{6}}, .server_duid = {0, 3, 255}};
  const auto text = encode(record, "boot");
  const auto found = decode_record(text, "boot");
  REQUIRE(found);
  REQUIRE(*found);
  CHECK(encode(**found, "boot") == text);
  CHECK((*found)->ipv6->server_duid == Buffer{0, 3, 255});
  CHECK_FALSE(*decode_record(text, "another"));
}

TEST_CASE("a record that is damaged is corrupt") {
  for (const auto* text : {"", "{}", R"({"version":2})", R"({"version":1,"boot":"b"})"}) {
    const auto found = decode_record(text, "b");
    REQUIRE_FALSE(found);
    CHECK(found.error().code == Errc::corrupt);
  }
}

TEST_CASE("domains are dotted labels and nothing else") {
  CHECK(is_domain("lan"));
  CHECK(is_domain("a-b.c_d.example."));
  for (const auto* text : {"", ".", "a..b", "a b", "a\n", "ä", ".a"}) CHECK_FALSE(is_domain(text));
  CHECK_FALSE(is_domain(std::string(64, 'a')));
}

TEST_CASE("the command line is that of netavark's dhcp-proxy") {
  CHECK(parsed({"burrow-dhcp"}).socket == "/run/burrow/dhcp.sock");
  CHECK(parsed({"/x/netavark-dhcp-proxy"}).socket == "/run/podman/nv-proxy.sock");
  const auto line = parsed({"netavark-dhcp-proxy", "-d", "/run/x", "-a=30", "--timeout=4"});
  CHECK(line.socket == "/run/x/nv-proxy.sock");
  CHECK(line.idle == seconds{30});
  CHECK(line.patience == seconds{4});
  CHECK_FALSE(parsed({"burrow-dhcp", "-a0"}).idle);
  CHECK(parsed({"burrow-dhcp", "-u", "/run/y.sock"}).socket == "/run/y.sock");
  CHECK(parsed({"burrow-dhcp", "-d", "/run/x"}, "/run/z").directory == "/run/z");
  CHECK(parsed({"burrow-dhcp", "status", "--format", "json"}).form == StatusForm::json);
}

TEST_CASE("a command line that makes no sense is refused") {
  const auto refused = [](std::initializer_list<const char*> arguments) {
    const std::vector<const char*> list{arguments};
    return !parse_command_line(list, [](const char*) { return std::nullopt; });
  };
  CHECK(refused({"burrow-dhcp", "-t", "0"}));
  CHECK(refused({"burrow-dhcp", "-t", "9999999"}));
  CHECK(refused({"burrow-dhcp", "-t"}));
  CHECK(refused({"burrow-dhcp", "-d", "relative"}));
  CHECK(refused({"burrow-dhcp", "--what"}));
  CHECK(refused({"burrow-dhcp", "status", "run"}));
  CHECK(refused({"burrow-dhcp", "status", "--format", "xml"}));
}
