// What the sub-commands do: observe, plan, execute, and answer. Each has a file of its own.
#pragma once

#include <filesystem>
#include <string>

#include "host/netns.h"
#include "netstack/surroundings.h"

namespace burrow::netstack {

/// Attaches a container to its networks, all or nothing. Returns the answer's JSON text. `request`
/// is the JSON document, `netns` the container's namespace, opened from `path`.
Result<std::string> setup(host::NetNs netns, const std::filesystem::path& path,
                          std::string_view request, const Surroundings& surroundings);

/// Takes a container off its networks, as much as possible; all errors in one. Without a request
/// that can be read, what is on record with the namespace `netns` goes.
Result<void> teardown(const std::filesystem::path& netns, const Result<std::string>& request,
                      const Surroundings& surroundings);

}  // namespace burrow::netstack
