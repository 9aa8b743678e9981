// Host ports held by sockets that listen to nobody, so that no other program of the host takes them
// while a container publishes them, and conflicts show before anything is set up.
#pragma once

#include <vector>

#include "engine/container.h"
#include "host/fd.h"

namespace burrow::engine {

/// Ports found and held until destruction.
struct PortReservation {
  std::vector<PortMapping> mappings;  ///< one per request, every host port known
  std::vector<host::Fd> sockets;
};

/// Binds every requested host port, and finds free ones where none was asked for. SCTP is not held,
/// since not every kernel has it. Errors: already_exists ("address already in use"), naming the
/// port; exhausted when no free range was found.
Result<PortReservation> reserve_ports(const std::vector<PortRequest>& requests);

}  // namespace burrow::engine
