// What our driver has in firewalld: reading it, and changing it so that nothing is half done. What
// belongs there is decided elsewhere.
#pragma once

#include <set>
#include <span>
#include <string>
#include <vector>

#include "core/ip.h"
#include "core/names.h"
#include "firewall/firewalld.h"
#include "firewall/firewalld_entries.h"

namespace burrow::firewall {

/// What is in firewalld for the driver.
struct FirewalldContents {
  std::vector<std::string> unread;    ///< zones, ipsets and policies of the package that it lacks
  std::set<FirewalldEntry> standing;  ///< nothing while it lacks any
};

/// Reads it. Of zones, those that `bridges` are in, whosever they are. Errors: as of Firewalld.
Result<FirewalldContents> read_contents(Firewalld& firewalld, std::span<const LinkName> bridges);

/// A change of what is in firewalld. What is added stays when it is also removed; what is gone or
/// there already is fine, and entries of others stay as they are.
struct FirewalldChange {
  std::vector<FirewalldEntry> remove;
  std::vector<FirewalldEntry> add;
  /// Of the host, for ports that are published on all of them.
  std::vector<IpAddress> host_addresses;
};

/// Carries it out, one command at a time; what it has added is taken out again when it fails.
/// Errors: as of Firewalld.
Result<void> carry_out(const FirewalldChange& change, Firewalld& firewalld);

}  // namespace burrow::firewall
