// The numbers of the DNS wire format and its bytes in network order. Holds no logic: messages are
// read in message.h and written in reply.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace burrow::dns {

using Bytes = std::span<const uint8_t>;

// RFC 1035 sections 2.3.4 and 4.1, RFC 6891 section 6.2.3.
constexpr size_t kHeaderSize = 12;
constexpr size_t kMaximumNameSize = 255;
constexpr size_t kMaximumLabelSize = 63;
constexpr size_t kMaximumMessageSize = 65535;
constexpr size_t kPlainUdpSize = 512;
/// What fits every path without fragments (RFC 9715 and the DNS flag day 2020): what we announce
/// and the most we send over UDP.
constexpr size_t kUdpSize = 1232;
/// An OPT record without options.
constexpr size_t kOptSize = 11;

/// Record types that are treated in a way of their own; every other number is opaque (RFC 3597).
enum class RecordType : uint16_t {
  a = 1,
  cname = 5,
  soa = 6,
  ptr = 12,
  mx = 15,
  txt = 16,
  aaaa = 28,
  srv = 33,
  opt = 41,
  ixfr = 251,
  axfr = 252,
  any = 255,
};

constexpr uint16_t kClassInternet = 1;

/// RFC 1035 section 4.1.1, RFC 6895; values above 15 need EDNS.
enum class Rcode : uint16_t {
  no_error = 0,
  format_error = 1,
  server_failure = 2,
  name_error = 3,
  not_implemented = 4,
  refused = 5,
  bad_version = 16,
};

/// RFC 8914.
enum class ExtendedError : uint16_t {
  stale_answer = 3,
  cached_error = 13,
  not_ready = 14,
  prohibited = 18,
  stale_no_such_name = 19,
  not_supported = 21,
  no_reachable_authority = 22,
  network_error = 23,
};

// Bits of the second 16-bit word of the header.
constexpr uint16_t kFlagResponse = 0x8000;
constexpr uint16_t kMaskOpcode = 0x7800;
constexpr uint16_t kFlagAuthoritative = 0x0400;
constexpr uint16_t kFlagTruncated = 0x0200;
constexpr uint16_t kFlagRecursionDesired = 0x0100;
constexpr uint16_t kFlagRecursionAvailable = 0x0080;
constexpr uint16_t kFlagAuthenticData = 0x0020;
constexpr uint16_t kFlagCheckingDisabled = 0x0010;
constexpr uint16_t kMaskRcode = 0x000f;
/// In the TTL field of an OPT record.
constexpr uint16_t kEdnsFlagDnssecOk = 0x8000;

/// ASCII alone changes case (RFC 4343).
constexpr uint8_t to_lower(uint8_t c) {
  return c >= 'A' && c <= 'Z' ? static_cast<uint8_t>(c + 32) : c;
}

constexpr uint16_t read_u16(const uint8_t* at) {
  return static_cast<uint16_t>((unsigned{at[0]} << 8) | at[1]);
}

constexpr void write_u16(uint8_t* at, size_t value) {
  at[0] = static_cast<uint8_t>(value >> 8);
  at[1] = static_cast<uint8_t>(value);
}

constexpr void write_u32(uint8_t* at, uint32_t value) {
  write_u16(at, value >> 16);
  write_u16(at + 2, value & 0xffffU);
}

}  // namespace burrow::dns
