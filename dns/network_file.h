// The grammar of one file of the configuration directory. Pure: bytes to values. Reading the
// directory: directory.h. (aardvark-dns reference, section 2; our own lines: docs/dns.md.)
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/ip.h"
#include "core/result.h"
#include "dns/domain_servers.h"
#include "dns/egress_list.h"
#include "dns/line_diff.h"
#include "dns/name.h"
#include "dns/record.h"

namespace burrow::dns {

/// Whether a network reaches the world: an internal one is not forwarded for.
enum class Reach : uint8_t { external, internal };

/// Whether the addresses of a name change places from query to query.
enum class Rotation : uint8_t { rotate, fixed };

/// The first line: where the daemon listens for the network, and its upstreams.
struct NetworkHeader {
  std::vector<IpAddress> listen_addresses;
  std::vector<IpAddress> dns_servers;
  friend bool operator==(const NetworkHeader&, const NetworkHeader&) = default;
};

/// One container on one network.
struct ContainerLine {
  std::string id;                      ///< lower case; ties the lines of a container together
  std::vector<IpAddress> addresses;    ///< IPv4 before IPv6
  std::vector<DomainName> names;       ///< container name first, then aliases, in order
  std::vector<IpAddress> dns_servers;  ///< its own upstreams, in order; empty: the network's
};

/// What holds for the container names of one network.
struct NetworkSettings {
  std::optional<DomainName> domain;  ///< names answer below it too; unknown ones do not exist
  Rotation rotation = Rotation::rotate;
  uint32_t ttl = 0;
  std::vector<DomainForward> forwards;  ///< servers by domain, before all others
};

using LineContent = std::variant<ContainerLine, OwnedRecord, NetworkSettings, EgressList>;

/// A line but the first, with the number that tells its place.
struct NetworkLine {
  uint64_t number = 0;
  LineContent content;
};

/// One network as its file says.
struct NetworkFile {
  std::string network;
  Reach reach = Reach::external;
  NetworkHeader header;
  std::vector<NetworkLine> lines;
  /// A sentence for each line or element that was left out.
  std::vector<std::string> complaints;
};

/// The network that a file name stands for: the suffix "%int" marks an internal one.
struct NetworkFileName {
  std::string network;
  Reach reach = Reach::external;
};
NetworkFileName parse_file_name(std::string_view name);

/// Sentences about what was left out, up to a bound.
class Complaints {
 public:
  void add(std::string_view text);
  [[nodiscard]] const std::vector<std::string>& texts() const { return texts_; }

 private:
  std::vector<std::string> texts_;
};

/// Reads the first line. Errors: invalid_input when it names no listen address.
Result<NetworkHeader> parse_header(std::string_view line, Complaints& complaints);
/// Reads another line. What of it cannot be meant, but can be left out, is complained of.
/// Errors: invalid_input.
Result<LineContent> parse_line(std::string_view line, Complaints& complaints);

/// Reads one file. A line that cannot be meant is left out with a complaint; what names no listen
/// address at all is refused. Errors: invalid_input.
Result<NetworkFile> parse_network_file(std::string_view file_name, std::string_view content);
/// The same, of which the lines are known.
Result<NetworkFile> parse_network_file(std::string_view file_name, std::string_view content,
                                       const std::vector<NumberedLine>& lines);

}  // namespace burrow::dns
