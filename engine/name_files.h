// Writes a container's /etc/hosts, /etc/resolv.conf and /etc/hostname, in place: they are bind
// mounted, and a new file would not be seen. What stands in them is hosts_file's and resolv_conf's.
#pragma once

#include <vector>

#include "engine/directories.h"
#include "engine/netstack_client.h"

namespace burrow::engine {

/// Makes the three files as the start of a container needs them. `statuses` in network order.
Result<void> write_name_files(const Directories& directories, const Container& container,
                              const std::vector<NetworkStatus>& statuses);

/// Adds a network to the files of a running container. Lines that its user took out stay out.
Result<void> add_to_name_files(const Directories& directories, const Container& container,
                               const netstack::Status& status);
/// Takes a network out of them. `others` are the networks that stay.
Result<void> remove_from_name_files(const Directories& directories, const Container& container,
                                    const netstack::Status& status,
                                    const std::vector<netstack::Status>& others);

/// The addresses of a status.
std::vector<IpAddress> addresses_of(const netstack::Status& status);

}  // namespace burrow::engine
