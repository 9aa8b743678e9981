// The sub-command dhcp-proxy: netavark's name for what burrow-dhcp does. No DHCP here.
#pragma once

#include <string>
#include <vector>

#include "core/result.h"
#include "netstack/command_line.h"

namespace burrow::netstack {

/// Turns this process into burrow-dhcp, which lies beside our own program or in PATH, with these
/// arguments. It keeps process number, descriptors and environment, so socket activation works.
/// Comes back only with an error: not_found.
Failure become_dhcp_proxy(const std::vector<std::string>& arguments, CalledAs called_as);

}  // namespace burrow::netstack
