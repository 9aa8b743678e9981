// What the machines of both families tell about addresses.
#pragma once

#include <string>

#include "dhcp/lease.h"

namespace burrow::dhcp {

/// The address is ours from `since` on for as long as the lease says; also after each renewal.
struct Granted {
  Lease lease;
  Instant since;
};
/// The address must not be used any longer.
struct Withdrawn {
  Lease lease;
  std::string reason;
};

}  // namespace burrow::dhcp
