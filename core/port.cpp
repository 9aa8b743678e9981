#include "core/port.h"

#include <algorithm>
#include <array>
#include <string>

namespace burrow {

Result<Protocol> parse_protocol(std::string_view text) {
  std::string lower{text.substr(0, 16)};
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  for (const auto protocol : {Protocol::tcp, Protocol::udp, Protocol::sctp}) {
    if (lower == to_string(protocol)) return protocol;
  }
  return fail(Errc::invalid_input, "unknown protocol \"{}\": must be tcp, udp or sctp",
              text.substr(0, 32));
}

std::string_view to_string(Protocol protocol) {
  switch (protocol) {
    case Protocol::tcp:
      return "tcp";
    case Protocol::udp:
      return "udp";
    case Protocol::sctp:
      return "sctp";
  }
  return "?";
}

Result<void> check_ranges(const PortMapping& mapping) {
  const auto check = [&](uint16_t first, std::string_view side) -> Result<void> {
    if (first == 0) return fail(Errc::invalid_input, "{} port is 0", side);
    if (first + mapping.count - 1 > UINT16_MAX) {
      return fail(Errc::invalid_input, "{} port range {} + {} ends beyond 65535", side, first,
                  mapping.count);
    }
    return {};
  };
  TRY_VOID(check(mapping.host_port, "host"));
  return check(mapping.container_port, "container");
}

}  // namespace burrow
