#include "firewall/conntrack.h"

namespace burrow::firewall {

Result<size_t> forget_udp(std::span<const PortMapping>, std::span<const IpAddress>) {
  return size_t{0};
}

}  // namespace burrow::firewall
