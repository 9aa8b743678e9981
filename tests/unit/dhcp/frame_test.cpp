#include "dhcp/frame.h"

#include <doctest/doctest.h>

using namespace burrow;
using namespace burrow::dhcp;

namespace {

const MacAddress kMac{{2, 0, 0, 0, 0, 1}};

// What a server would send: ours with the ports exchanged; the sum of both stays the same.
Buffer from_server(Bytes payload) {
  auto packet =
      encode_packet(payload, *IpAddress::parse("10.5.0.1"), *IpAddress::parse("10.5.0.50"));
  std::swap(packet[21], packet[23]);
  return packet;
}

bool is_taken(const Buffer& packet) {
  return decode_packet(packet, UdpChecksum::whole).has_value();
}

}  // namespace

TEST_CASE("a packet's payload comes out as it went in, also of odd size and padded") {
  for (const size_t size : {1U, 2U, 301U}) {
    const Buffer payload(size, 0x5a);
    auto packet = from_server(payload);
    packet.resize(packet.size() + 18);
    const auto found = decode_packet(packet, UdpChecksum::whole);
    REQUIRE(found);
    CHECK(Buffer{found->begin(), found->end()} == payload);
  }
}

TEST_CASE("packets that are damaged, fragments or for another port are not taken") {
  const auto packet = from_server(Buffer(20));
  CHECK(is_taken(packet));
  const auto changed = [&](size_t at, uint8_t value) {
    auto copy = packet;
    copy[at] = value;
    return copy;
  };
  CHECK_FALSE(is_taken(changed(0, 0x65)));  // version
  CHECK_FALSE(is_taken(changed(8, 1)));     // header checksum
  CHECK_FALSE(is_taken(changed(23, 67)));   // port
  CHECK_FALSE(is_taken(changed(25, 200)));  // UDP size
  CHECK_FALSE(is_taken(changed(40, 1)));    // UDP checksum
  for (size_t size = 0; size < packet.size(); ++size) {
    CHECK_FALSE(is_taken({packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(size)}));
  }
}

TEST_CASE("a checksum that hardware was to finish is not looked at") {
  auto packet = from_server(Buffer(20));
  packet[26] ^= 0xffU;
  CHECK_FALSE(decode_packet(packet, UdpChecksum::whole));
  CHECK(decode_packet(packet, UdpChecksum::unfinished));
}

TEST_CASE("a probe claims the address that it asks for, an answer the sender's") {
  const auto address = *IpAddress::parse("10.5.0.50");
  auto probe = encode_probe(kMac, address);
  const auto claim = decode_claim(probe);
  REQUIRE(claim);
  CHECK(claim->address == address);
  CHECK(claim->owner == kMac);
  auto answer = probe;
  answer[7] = 2;
  std::ranges::copy(address.bytes(), answer.begin() + 14);
  CHECK(decode_claim(answer)->address == address);
  probe[5] = 5;
  CHECK_FALSE(decode_claim(probe));
  probe.resize(20);
  CHECK_FALSE(decode_claim(probe));
}
