// The addresses of the host, all at once.
#pragma once

#include <vector>

#include "core/ip.h"
#include "core/names.h"
#include "core/result.h"

namespace burrow::host {

/// An address that a link has.
struct LocalAddress {
  LinkName link;
  IpAddress address;
};

/// All addresses of the calling thread's namespace, those of the loopback and link-local ones, too.
/// Errors: system.
Result<std::vector<LocalAddress>> local_addresses();

}  // namespace burrow::host
