// What the sub-commands do: observe, plan, execute, and answer.
#pragma once

#include <filesystem>
#include <string>

#include "host/netns.h"
#include "netstack/dns_daemon.h"
#include "netstack/plan.h"

namespace burrow::netstack {

/// What the command line and the environment settle for all commands.
struct Surroundings {
  std::filesystem::path run_directory;
  DnsDaemon dns;
  FirewallDriver firewall = FirewallDriver::nftables;
};

/// Attaches a container to its networks, all or nothing. Returns the answer's JSON text. `request`
/// is the JSON document, `netns` the container's namespace, opened from `path`.
Result<std::string> setup(host::NetNs netns, const std::filesystem::path& path,
                          std::string_view request, const Surroundings& surroundings);

/// Takes a container off its networks, as much as possible; all errors in one.
Result<void> teardown(const std::filesystem::path& netns, std::string_view request,
                      const Surroundings& surroundings);

/// Several errors as one, in netavark's form: a header and a line each.
Error combined(const std::vector<Error>& errors);

}  // namespace burrow::netstack
