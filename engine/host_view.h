// What of the host a new network must keep clear of, and which boot this is. Only looks.
#pragma once

#include <string>
#include <vector>

#include "core/ip.h"
#include "core/result.h"

namespace burrow::engine {

/// The links and prefixes that are in use on the host, in the calling thread's namespace.
struct HostView {
  std::vector<std::string> links;
  std::vector<IpNetwork> prefixes;  ///< of addresses and of routes; without default routes
};

/// Errors: system.
Result<HostView> observe_host();

/// The kernel's identifier of this boot (/proc/sys/kernel/random/boot_id).
Result<std::string> read_boot_id();

}  // namespace burrow::engine
