// The grammar of one file of the configuration directory. Pure: bytes to values. Reading the
// directory: directory.h. (aardvark-dns reference, section 2.)
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/ip.h"
#include "core/result.h"
#include "dns/name.h"

namespace burrow::dns {

/// Whether a network reaches the world: an internal one is not forwarded for.
enum class Reach : uint8_t { external, internal };

/// One container on one network.
struct ContainerLine {
  std::string id;                      ///< lower case; ties the lines of a container together
  std::vector<IpAddress> addresses;    ///< IPv4 before IPv6
  std::vector<DomainName> names;       ///< container name first, then aliases, in order
  std::vector<IpAddress> dns_servers;  ///< its own upstreams, in order; empty: the network's
};

/// One network as its file says.
struct NetworkFile {
  std::string network;
  Reach reach = Reach::external;
  std::vector<IpAddress> listen_addresses;
  std::vector<IpAddress> dns_servers;
  std::vector<ContainerLine> containers;
  /// A sentence for each line or element that was left out.
  std::vector<std::string> complaints;
};

/// The network that a file name stands for: the suffix "%int" marks an internal one.
struct NetworkFileName {
  std::string network;
  Reach reach = Reach::external;
};
NetworkFileName parse_file_name(std::string_view name);

/// Reads one file. A container line that cannot be meant is left out with a complaint; what names
/// no listen address at all is refused. Errors: invalid_input.
Result<NetworkFile> parse_network_file(std::string_view file_name, std::string_view content);

}  // namespace burrow::dns
