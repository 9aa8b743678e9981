// Containers in words and as JSON, for `ps`, `port` and `inspect`. Pure.
#pragma once

#include <string>
#include <vector>

#include "core/json.h"
#include "engine/container.h"
#include "engine/netstack_client.h"
#include "netstack/network.h"

namespace burrow::engine {

/// "Up 3 minutes", "Exited (0) 5 seconds ago", "Created".
std::string describe_state(const Container& container, Timestamp now);
/// "0.0.0.0:8080->80/tcp, ...", ranges as ranges.
std::string describe_ports(const std::vector<PortMapping>& ports);
/// The lines of `port`: "80/tcp -> 0.0.0.0:8080", one per port.
std::vector<std::string> list_ports(const std::vector<PortMapping>& ports);
/// The host's side of the published `port`: "0.0.0.0:8080" for each mapping of it.
std::vector<std::string> find_port(const std::vector<PortMapping>& ports, uint16_t port,
                                   Protocol protocol);
/// The table of `ps`.
std::string render_containers(const std::vector<Container>& containers, Timestamp now);

/// The array of `ps --format json`; keys as Podman's.
Json summarize(const std::vector<Container>& containers, Timestamp now);
/// One element of `inspect`; keys as Podman's. `networks` are the definitions of its networks.
Json inspect(const Container& container, const std::vector<netstack::Network>& networks,
             const Directories& directories);

}  // namespace burrow::engine
