// A footing inside a container: its namespace opened, a thread and a socket in there, its link
// found. Held only while there is something to send or to change, because what is open keeps a
// namespace alive that its owner wants gone.
#pragma once

#include <filesystem>

#include "core/mac.h"
#include "core/names.h"
#include "host/netns.h"
#include "host/rtnetlink.h"

namespace burrow::dhcp {

/// Which namespace a path led to: another one may stand there later.
struct NetNsIdentity {
  uint64_t device = 0;
  uint64_t inode = 0;
  friend bool operator==(const NetNsIdentity&, const NetNsIdentity&) = default;
};

/// What stands at `path` now. Errors: not_found.
Result<NetNsIdentity> identify_netns(const std::filesystem::path& path);

struct Footing {
  host::NetNs netns;
  host::NetNsThread thread;
  host::RouteSocket route;
  host::Link link;

  /// Errors: not_found when the namespace or the link is gone, or is not the one meant: the
  /// namespace by `identity` if given, the link by `mac`.
  static Result<Footing> take(const std::filesystem::path& path,
                              const std::optional<NetNsIdentity>& identity,
                              const LinkName& interface, const std::optional<MacAddress>& mac);
};

}  // namespace burrow::dhcp
