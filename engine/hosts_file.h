// /etc/hosts of a container, as text. Pure; name_files reads and writes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/container.h"

namespace burrow::engine {

/// What a container's /etc/hosts is made of.
struct HostsContent {
  std::vector<HostEntry> added;           ///< --add-host, first
  std::string_view base;                  ///< the host's file, second
  std::optional<IpAddress> host_address;  ///< the host, as the container reaches it
  std::vector<IpAddress> addresses;       ///< the container's own, on every network
  std::vector<std::string> names;         ///< its hostname and name
};

/// Renders the file: added entries, the base without comments, then localhost, the host and the
/// container, each only for names that do not occur above. Source: reference engine.md 4.2.
/// Errors: invalid_input when "host-gateway" is asked for and the host has no address.
Result<std::string> render_hosts(const HostsContent& content);

/// Appends lines for `addresses` to `text`, as after a connect.
std::string add_host_lines(std::string_view text, const std::vector<IpAddress>& addresses,
                           const std::vector<std::string>& names);
/// Takes out the lines that give one of `addresses` to one of `names`, as after a disconnect.
std::string remove_host_lines(std::string_view text, const std::vector<IpAddress>& addresses,
                              const std::vector<std::string>& names);

}  // namespace burrow::engine
