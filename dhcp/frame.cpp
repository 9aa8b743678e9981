#include "dhcp/frame.h"

#include <algorithm>
#include <array>

namespace burrow::dhcp {
namespace {

constexpr size_t kIpHeader = 20;
constexpr size_t kUdpHeader = 8;
constexpr uint8_t kUdp = 17;
constexpr uint16_t kArpRequest = 1;
constexpr uint16_t kArpReply = 2;

// RFC 1071, of several pieces one after the other; all but the last of even size.
uint32_t sum(Bytes bytes, uint32_t start = 0) {
  for (size_t i = 0; i < bytes.size(); ++i) {
    start += i % 2 == 0 ? uint32_t{bytes[i]} << 8U : bytes[i];
  }
  return start;
}

uint16_t folded(uint32_t sum) {
  while (sum > 0xffffU) sum = (sum & 0xffffU) + (sum >> 16U);
  return static_cast<uint16_t>(~sum);
}

// Of the addresses, protocol and size that UDP's checksum covers besides itself.
uint32_t pseudo_header(Bytes source, Bytes destination, size_t size) {
  return sum(source) + sum(destination) + kUdp + static_cast<uint32_t>(size);
}

void set_u16(Buffer& out, size_t at, uint16_t value) {
  out[at] = static_cast<uint8_t>(value >> 8U);
  out[at + 1] = static_cast<uint8_t>(value);
}

MacAddress mac_of(Bytes bytes) {
  std::array<uint8_t, 6> mac{};
  std::copy_n(bytes.begin(), std::min(bytes.size(), mac.size()), mac.begin());
  return MacAddress{mac};
}

}  // namespace

Buffer encode_packet(Bytes payload, const IpAddress& source, const IpAddress& destination) {
  const size_t udp_size = kUdpHeader + payload.size();
  Buffer out;
  out.reserve(kIpHeader + udp_size);
  put_u16(out, 0x4500);  // version 4, header of five words
  put_u16(out, kIpHeader + udp_size);
  put_u32(out, 0);  // a whole packet
  put_u8(out, 64);  // TTL
  put_u8(out, kUdp);
  put_u16(out, 0);
  put_bytes(out, source.bytes());
  put_bytes(out, destination.bytes());
  set_u16(out, 10, folded(sum(out)));
  put_u16(out, kClientPort4);
  put_u16(out, kServerPort4);
  put_u16(out, udp_size);
  put_u16(out, 0);
  put_bytes(out, payload);
  const auto check = folded(sum(Bytes{out}.subspan(kIpHeader),
                                pseudo_header(source.bytes(), destination.bytes(), udp_size)));
  set_u16(out, kIpHeader + 6, check == 0 ? 0xffff : check);
  return out;
}

std::optional<Bytes> decode_packet(Bytes packet, UdpChecksum checksum) {
  ByteReader ip{packet};
  const auto first = ip.u8();
  const size_t header_size = (first & 0x0fU) * 4U;
  ip.take(1);
  const size_t total = ip.u16();
  ip.take(2);
  const auto fragment = ip.u16();
  ip.take(1);
  const auto protocol = ip.u8();
  ip.take(2);
  const auto source = ip.take(4);
  const auto destination = ip.take(4);
  if (!ip.is_whole() || first >> 4U != 4 || header_size < kIpHeader || total > packet.size() ||
      total < header_size + kUdpHeader || (fragment & 0x3fffU) != 0 || protocol != kUdp ||
      folded(sum(packet.first(header_size))) != 0) {
    return std::nullopt;
  }
  // Short frames are padded: what counts is the size that the header says.
  const auto rest = packet.subspan(header_size, total - header_size);
  ByteReader udp{rest};
  udp.take(2);
  const auto port = udp.u16();
  const size_t size = udp.u16();
  const auto check = udp.u16();
  if (port != kClientPort4 || size < kUdpHeader || size > rest.size()) return std::nullopt;
  const bool has_checksum = check != 0 && checksum == UdpChecksum::whole;
  if (has_checksum &&
      folded(sum(rest.first(size), pseudo_header(source, destination, size))) != 0) {
    return std::nullopt;
  }
  return rest.subspan(kUdpHeader, size - kUdpHeader);
}

Buffer encode_probe(const MacAddress& mac, const IpAddress& target) {
  Buffer out;
  put_u16(out, 1);       // Ethernet
  put_u16(out, 0x0800);  // IPv4
  put_u8(out, 6);
  put_u8(out, 4);
  put_u16(out, kArpRequest);
  put_bytes(out, mac.bytes());
  put_u32(out, 0);
  out.resize(out.size() + 6);
  put_bytes(out, target.bytes());
  return out;
}

std::optional<Claim> decode_claim(Bytes packet) {
  ByteReader reader{packet};
  const auto hardware = reader.u16();
  const auto protocol = reader.u16();
  const auto sizes = reader.u16();
  const auto operation = reader.u16();
  const auto owner = mac_of(reader.take(6));
  const auto sender = reader.v4();
  reader.take(6);
  const auto target = reader.v4();
  const bool is_ours = hardware == 1 && protocol == 0x0800 && sizes == 0x0604;
  const bool is_known = operation == kArpRequest || operation == kArpReply;
  if (!reader.is_whole() || !is_ours || !is_known) return std::nullopt;
  if (!sender.is_unspecified()) return Claim{sender, owner};
  if (operation == kArpRequest && !target.is_unspecified()) return Claim{target, owner};
  return std::nullopt;
}

}  // namespace burrow::dhcp
