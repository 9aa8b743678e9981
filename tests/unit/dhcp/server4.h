// A DHCPv4 server's words for tests, built field by field.
#pragma once

#include <algorithm>
#include <array>

#include "dhcp/message4.h"

namespace burrow::dhcp::testing {

inline const MacAddress kMac{{2, 0, 0, 0, 0, 1}};
inline const IpAddress kServer = *IpAddress::parse("10.5.0.1");
inline const IpAddress kAddress = *IpAddress::parse("10.5.0.50");

struct ServerMessage {
  uint8_t type = 2;
  uint32_t transaction = 0;
  IpAddress address = kAddress;
  MacAddress mac = kMac;
  IpAddress server = kServer;
  uint32_t valid = 120;
  Buffer more;  // further options, raw

  static void option(Buffer& out, uint8_t code, Bytes value) {
    put_u8(out, code);
    put_u8(out, value.size());
    put_bytes(out, value);
  }

  [[nodiscard]] Buffer header() const {
    Buffer out{2, 1, 6, 0};
    put_u32(out, transaction);
    out.resize(16);
    put_bytes(out, address.bytes());
    out.resize(28);
    put_bytes(out, mac.bytes());
    out.resize(236);
    put_u32(out, 0x63825363);
    return out;
  }

  [[nodiscard]] Buffer bytes() const {
    auto out = header();
    option(out, 53, std::array{type});
    option(out, 54, server.bytes());
    if (type != 6) {
      Buffer time;
      put_u32(time, valid);
      option(out, 51, time);
      option(out, 1, IpAddress::v4(0xffffff00U).bytes());
    }
    put_bytes(out, more);
    put_u8(out, 255);
    return out;
  }
};

/// The value of an option in a message of ours; nothing when it is not there.
inline std::optional<Buffer> option_of(Bytes message, uint8_t wanted) {
  ByteReader reader{message.subspan(240)};
  while (!reader.is_at_end()) {
    const auto code = reader.u8();
    if (code == 0) continue;
    if (code == 255) break;
    const auto value = reader.take(reader.u8());
    if (code == wanted) return Buffer{value.begin(), value.end()};
  }
  return std::nullopt;
}

inline uint32_t transaction_of(Bytes message) { return ByteReader{message.subspan(4)}.u32(); }

}  // namespace burrow::dhcp::testing
