// IPv4 with UDP, and ARP, as they travel below the sockets that need an address. Pure.
#pragma once

#include <optional>

#include "core/mac.h"
#include "dhcp/bytes.h"

namespace burrow::dhcp {

constexpr uint16_t kServerPort4 = 67;
constexpr uint16_t kClientPort4 = 68;

/// An IPv4 packet from `source` port 68 to `destination` port 67, checksums included.
Buffer encode_packet(Bytes payload, const IpAddress& source, const IpAddress& destination);

/// Whether the checksum of UDP stands in the packet. Between links of one machine the kernel may
/// leave it to hardware that is not there (TP_STATUS_CSUMNOTREADY).
enum class UdpChecksum { whole, unfinished };

/// The UDP payload of an IPv4 packet to port 68; nothing when it is anything else, a fragment, cut
/// short, or its checksums are wrong. Refers to `packet`.
std::optional<Bytes> decode_packet(Bytes packet, UdpChecksum checksum);

/// An ARP question from nobody whether somebody has `target` (RFC 5227 section 2.1.1).
Buffer encode_probe(const MacAddress& mac, const IpAddress& target);

/// Who says, or asks in order to take it, that an address is its own.
struct Claim {
  IpAddress address;
  MacAddress owner;
};

/// What an ARP packet claims: its sender's address, or for a probe the address asked for. Nothing
/// when it claims nothing or is no ARP of IPv4 over Ethernet.
std::optional<Claim> decode_claim(Bytes packet);

}  // namespace burrow::dhcp
