#include "dhcp/message4.h"

#include <doctest/doctest.h>

#include "tests/unit/dhcp/server4.h"

using namespace burrow;
using namespace burrow::dhcp;
using namespace burrow::dhcp::testing;

namespace {

Result<Reply4> with(Buffer more) {
  return decode_reply4(ServerMessage{.more = std::move(more)}.bytes());
}

}  // namespace

TEST_CASE("a request carries who asks, what it wishes and what it wants to know") {
  const Identity4 identity{.mac = kMac, .client_id = derived_client_id("c net"), .hostname = "web"};
  const auto bytes = encode(
      Request4{.type = Type4::request, .transaction = 7, .wish = kAddress, .server = kServer},
      identity);
  CHECK(bytes.size() >= 300);
  CHECK(transaction_of(bytes) == 7);
  CHECK(option_of(bytes, 53) == Buffer{3});
  CHECK(option_of(bytes, 61) == identity.client_id);
  CHECK(option_of(bytes, 12) == Buffer{'w', 'e', 'b'});
  CHECK(option_of(bytes, 50) == Buffer{10, 5, 0, 50});
  CHECK(option_of(bytes, 54) == Buffer{10, 5, 0, 1});
  CHECK(option_of(bytes, 55).has_value());
}

TEST_CASE("a release names no wish and asks for nothing") {
  const auto bytes = encode(
      Request4{.type = Type4::release, .own_address = kAddress, .server = kServer}, {.mac = kMac});
  CHECK(bytes[12] == 10);  // ciaddr
  CHECK_FALSE(option_of(bytes, 50));
  CHECK_FALSE(option_of(bytes, 55));
}

TEST_CASE("the client identifier is that of RFC 4361 and differs between containers") {
  const auto id = derived_client_id("c1 net");
  CHECK(id.size() == 1 + 4 + 18);
  CHECK(id[0] == 255);
  CHECK(id != derived_client_id("c2 net"));
  CHECK(id == derived_client_id("c1 net"));
}

TEST_CASE("an offer gives address, prefix length, times and the default router") {
  Buffer more;
  ServerMessage::option(more, 3, kServer.bytes());
  ServerMessage::option(more, 6, kServer.bytes());
  ServerMessage::option(more, 15, Buffer{'l', 'a', 'n', 0});
  ServerMessage::option(more, 26, Buffer{5, 0x14});
  const auto lease = lease_of(*with(more));
  REQUIRE(lease);
  CHECK(lease->address.to_string() == "10.5.0.50/24");
  CHECK(lease->times == Times{seconds{60}, seconds{105}, seconds{120}});
  CHECK(lease->gateway() == kServer);
  CHECK(lease->dns_servers == std::vector{kServer});
  CHECK(lease->domains == std::vector<std::string>{"lan"});
  CHECK(lease->mtu == 1300);
}

TEST_CASE("classless routes win over the router") {
  Buffer more;
  ServerMessage::option(more, 3, kServer.bytes());
  // 10.9.0.0/16 on the link, 0.0.0.0/0 via 10.5.0.2
  ServerMessage::option(more, 121, Buffer{16, 10, 9, 0, 0, 0, 0, 0, 10, 5, 0, 2});
  const auto reply = with(more);
  REQUIRE(reply->routes.size() == 2);
  CHECK(reply->routes[0].destination.to_string() == "10.9.0.0/16");
  CHECK_FALSE(reply->routes[0].gateway);
  CHECK(reply->routes[1].gateway == *IpAddress::parse("10.5.0.2"));
}

TEST_CASE("malformed classless routes count for nothing, and the router stands") {
  for (const auto& value : {Buffer{33, 10, 0, 0, 0, 0, 10, 5, 0, 2}, Buffer{16, 10, 9, 10, 5, 0}}) {
    Buffer more;
    ServerMessage::option(more, 3, kServer.bytes());
    ServerMessage::option(more, 121, value);
    const auto reply = with(more);
    REQUIRE(reply->routes.size() == 1);
    CHECK(reply->routes[0].gateway == kServer);
  }
}

TEST_CASE("an option in two parts is one (RFC 3396)") {
  Buffer more;
  ServerMessage::option(more, 6, Buffer{10, 5});
  ServerMessage::option(more, 6, Buffer{0, 1});
  CHECK(with(more)->dns_servers == std::vector{kServer});
}

TEST_CASE("options overflow into the file and server name fields (option 52)") {
  auto bytes = ServerMessage{}.header();
  for (const auto byte : {53, 1, 2, 52, 1, 3, 255}) put_u8(bytes, static_cast<size_t>(byte));
  // file: the lease time; sname: the server.
  constexpr std::array<uint8_t, 7> time{51, 4, 0, 0, 0, 120, 255};
  std::ranges::copy(time, bytes.begin() + 108);
  constexpr std::array<uint8_t, 7> server{54, 4, 10, 5, 0, 1, 255};
  std::ranges::copy(server, bytes.begin() + 44);
  const auto reply = decode_reply4(bytes);
  REQUIRE(reply);
  CHECK(reply->valid == seconds{120});
  CHECK(reply->server == kServer);
}

TEST_CASE("without a netmask the class of the address counts") {
  auto bytes = ServerMessage{}.header();
  for (const auto byte : {53, 1, 2, 54, 4, 10, 5, 0, 1, 51, 4, 0, 0, 0, 120, 255}) {
    put_u8(bytes, static_cast<size_t>(byte));
  }
  CHECK(lease_of(*decode_reply4(bytes))->address.prefix_length == 8);
}

TEST_CASE("what a container cannot use is refused") {
  const auto refusal = [](const ServerMessage& message) {
    const auto lease = lease_of(*decode_reply4(message.bytes()));
    return lease ? std::string{} : lease.error().message;
  };
  CHECK(refusal({}) == "");
  CHECK(refusal({.address = IpAddress::v4(0)}) == "no address");
  CHECK(refusal({.address = *IpAddress::parse("224.0.0.1")}) == "no address");
  CHECK(refusal({.address = *IpAddress::parse("127.0.0.1")}) == "no address");
  CHECK(refusal({.server = IpAddress::v4(0)}) == "no server identifier");
  CHECK(refusal({.valid = 0}) == "a lease of 0 seconds");
  Reply4 reply = *decode_reply4(ServerMessage{}.bytes());
  reply.netmask = *IpAddress::parse("255.0.255.0");
  CHECK(lease_of(reply).error().message == "\"255.0.255.0\" is no netmask");
  reply = *decode_reply4(ServerMessage{}.bytes());
  reply.valid.reset();
  CHECK(lease_of(reply).error().message == "no lease time");
}

TEST_CASE("times out of order are replaced by those of the RFC") {
  Reply4 reply = *decode_reply4(ServerMessage{}.bytes());
  reply.renew = seconds{110};
  reply.rebind = seconds{20};
  CHECK(lease_of(reply)->times == Times{seconds{60}, seconds{105}, seconds{120}});
  reply.renew = seconds{10};
  CHECK(lease_of(reply)->times == Times{seconds{10}, seconds{20}, seconds{120}});
}

TEST_CASE("what is no message of a server is refused with what it is") {
  const auto refusal = [](const Buffer& bytes) { return decode_reply4(bytes).error().message; };
  auto bytes = ServerMessage{}.bytes();
  CHECK(refusal(Buffer(100)) == "100 bytes are no message");
  auto ours = bytes;
  ours[0] = 1;
  CHECK(refusal(ours) == "not from a server");
  auto token_ring = bytes;
  token_ring[1] = 6;
  CHECK(refusal(token_ring) == "not for an Ethernet client");
  auto bootp = bytes;
  bootp[236] = 0;
  CHECK(refusal(bootp) == "BOOTP without DHCP");
  auto cut = bytes;
  cut.resize(cut.size() - 3);
  CHECK(refusal(cut) == "option 1 is cut short");
  CHECK(refusal(ServerMessage{.type = 1}.bytes()) == "message type 1 is not a server's");
}

TEST_CASE("a hostile domain or MTU is left out, and words for people become printable") {
  Buffer more;
  ServerMessage::option(more, 15, Buffer{'a', '\n', 'b'});
  ServerMessage::option(more, 26, Buffer{0, 68});
  ServerMessage::option(more, 56, Buffer{'n', 'o', 7, 0});
  const auto reply = with(more);
  CHECK_FALSE(reply->domain);
  CHECK_FALSE(reply->mtu);
  CHECK(reply->message == "no?");
}
