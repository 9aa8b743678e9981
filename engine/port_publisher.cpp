#include "engine/port_publisher.h"

#include <algorithm>

namespace burrow::engine {
namespace {

// The first port that both claim: nothing where address, protocol or ports are apart.
std::optional<int> common_port(const PortRequest& wanted, const PortMapping& there) {
  if (!wanted.host_port || wanted.protocol != there.protocol) return std::nullopt;
  const bool is_apart =
      wanted.host_address && there.host_address && *wanted.host_address != *there.host_address;
  if (is_apart) return std::nullopt;
  const int first = std::max(*wanted.host_port, there.host_port);
  const int end = std::min(*wanted.host_port + wanted.count, there.host_port + there.count);
  if (first >= end) return std::nullopt;
  return first;
}

}  // namespace

std::optional<std::string> publisher_of(const std::vector<PortRequest>& wanted,
                                        const std::vector<Container>& containers) {
  for (const auto& request : wanted) {
    for (const auto& container : containers) {
      for (const auto& mapping : container.ports) {
        const auto port = common_port(request, mapping);
        if (!port) continue;
        return fmt::format("port {}/{} is already published by container \"{}\"", *port,
                           to_string(request.protocol), container.name);
      }
    }
  }
  return std::nullopt;
}

}  // namespace burrow::engine
