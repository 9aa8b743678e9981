// The grammar of resolv.conf(5) as far as it names servers. Pure: bytes to values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/ip.h"

namespace burrow::dns {

/// One "nameserver" line.
struct Nameserver {
  IpAddress address;
  std::string zone;  ///< what follows "%": a link's name or index; empty when there is none
  friend bool operator==(const Nameserver&, const Nameserver&) = default;
};

struct ResolvConf {
  std::vector<Nameserver> nameservers;  ///< the first three that can be meant
  std::vector<std::string> complaints;  ///< a sentence for each line that was left out
};

/// Reads the servers; a line that cannot be meant is left out with a complaint.
ResolvConf parse_resolv_conf(std::string_view content);

/// True when systemd-resolved's stub is the only server: the real ones are in its own file.
bool is_stub_only(const ResolvConf& resolv_conf);

}  // namespace burrow::dns
