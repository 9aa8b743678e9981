// What a host lacks for containers, what that means, and the remedy. Pure: facts in, findings out,
// and findings as text or JSON. Who looks at the host is doctor_command.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/json.h"
#include "core/result.h"
#include "firewall/accepts.h"
#include "firewall/firewalld_zone.h"

namespace burrow::netstack {

/// How a try went: nothing, or why it failed.
using Trial = std::optional<Error>;

/// What was tried in a namespace of its own.
struct KernelFacts {
  Trial veth;
  Trial bridge;
  Trial vlan_filtering;
  Trial macvlan;
  Trial ipvlan;
  Trial vrf;
  Trial firewall;         ///< our whole table: sets, maps, NAT, fib, conntrack
  Trial flows;            ///< looking into conntrack
  Trial writes_settings;  ///< to /proc/sys
};

/// Who holds a port of the host on every address.
struct PortHolder {
  std::string protocol;  ///< "udp" or "tcp"
  std::string process;   ///< name and number, or empty when it cannot be seen
};

/// A bridge of ours, and what goes over it.
struct OwnBridge {
  LinkName name;
  bool has_ipv4 = false;
  bool has_ipv6 = false;
};

/// firewalld, where it runs.
struct FirewalldFacts {
  Trial answers;              ///< what is behind was read only if it does
  bool has_own_zone = false;  ///< it has read the zone for our bridges
  firewall::ForwardPorts forward_ports = firewall::ForwardPorts::anybodys;
};

/// What was seen of a host.
struct HostFacts {
  std::string kernel;                  ///< its release
  bool has_modules_directory = false;  ///< the modules of that very release are installed
  Trial namespaces;                    ///< whether one could be made: without it nothing was tried
  KernelFacts tried;
  bool forwards4 = false;
  bool has_ipv6 = false;       ///< the kernel has it
  bool disables_ipv6 = false;  ///< new links get none
  bool filters_bridged4 = false;
  bool filters_bridged6 = false;
  bool has_bridge_netfilter = false;  ///< br_netfilter is loaded
  std::vector<std::string>
      filtered_bridges;           ///< those whose packets are meant to meet the firewall
  bool has_old_iptables = false;  ///< rules of the older iptables, which nobody else can see
  std::vector<firewall::DroppingChain> chains;  ///< of others
  bool is_beside_netavark = false;              ///< its table is there
  std::vector<OwnBridge> bridges;               ///< in our table
  std::optional<FirewalldFacts> firewalld;
  uint16_t dns_port = 53;
  std::vector<PortHolder> port_holders;
  std::string dns_binary;
  bool has_dns_binary = false;
};

/// `fine`: as it should be. `warning`: something will be missing. `failure`: containers will not
/// work.
enum class Verdict { fine, warning, failure };

/// One thing that was looked at. `meaning` and `remedy` are empty when it is fine.
struct Finding {
  std::string check;  ///< a name that stays, as "kernel.bridge"
  Verdict verdict = Verdict::fine;
  std::string found;
  std::string meaning;
  std::string remedy;
};

/// All findings, in an order that stays.
std::vector<Finding> diagnose(const HostFacts& facts);

/// Whether containers will work.
bool is_healthy(const std::vector<Finding>& findings);

/// A table for people, with the remedies below.
std::string to_text(const std::vector<Finding>& findings);
/// {"healthy": ..., "findings": [...]}: schemas/doctor.schema.json.
Json encode(const std::vector<Finding>& findings);

}  // namespace burrow::netstack
