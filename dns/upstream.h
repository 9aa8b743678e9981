// An upstream server as a value. Asking one: upstream_sockets.h.
#pragma once

#include <compare>
#include <cstdint>

#include "core/ip.h"

namespace burrow::dns {

/// An upstream server; the port is always 53.
struct Upstream {
  IpAddress address;
  uint32_t scope = 0;  ///< link index of a link-local address; 0: none
  friend auto operator<=>(const Upstream&, const Upstream&) = default;
};

}  // namespace burrow::dns
