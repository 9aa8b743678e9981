// Transport protocols and ports, and what it means to publish them.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/ip.h"
#include "core/result.h"

namespace burrow {

/// The protocols whose ports can be published; values are IP protocol numbers.
enum class Protocol : uint8_t { tcp = 6, udp = 17, sctp = 132 };

/// "tcp", "udp" or "sctp", in any case. Errors: invalid_input.
Result<Protocol> parse_protocol(std::string_view text);
std::string_view to_string(Protocol protocol);

/// `count` consecutive ports of the host that lead to `count` consecutive ports of a container.
/// Both ranges stay within 1..65535; `count` is at least 1.
struct PortMapping {
  std::optional<IpAddress> host_address;  ///< nothing: every address of the host, both families
  uint16_t host_port = 0;
  uint16_t container_port = 0;
  uint16_t count = 1;
  Protocol protocol = Protocol::tcp;
  friend auto operator<=>(const PortMapping&, const PortMapping&) = default;
};

/// Checks that both ranges stay within 1..65535. Errors: invalid_input, naming the port.
Result<void> check_ranges(const PortMapping& mapping);

}  // namespace burrow
