// What the sub-commands do: observe, plan, execute, and answer. Each has a file of its own.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

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

/// Gives a network whose containers run other DNS servers, and tells the daemon. `servers` have
/// commas between them; none clears them. Without the daemon, or without a running container, there
/// is nothing to do. Errors: invalid_input for names and addresses that are none.
Result<void> update(std::string_view network, std::string_view servers,
                    const Surroundings& surroundings);

/// Gives a container that runs on a network other limits, or the network itself: those named, with
/// an empty word for none. `container` is an identifier, at least twelve digits of one, or a name.
/// Errors: not_found, invalid_input, unsupported, changed when our table is not there.
Result<void> limit(std::string_view network, const std::optional<std::string>& container,
                   const std::map<std::string, std::string>& changes,
                   const Surroundings& surroundings);

/// Puts our table back from the journal in one transaction, and our bridges into their zone of
/// firewalld. Where somebody else holds an element by
/// now, everything else is put back one record at a time, and all that failed is one error.
Result<void> firewall_reload(const Surroundings& surroundings);

/// The same for several engines, one after the other: what fails for one keeps nothing from the
/// next. All errors as one.
Result<void> firewall_reload(std::span<const Surroundings> engines);

/// Does so now, and each time that firewalld has reloaded or started, until the message bus goes.
/// What fails is logged, and tried again the next time. Errors: not_found without a bus, changed
/// when it goes, timeout, permission, system.
Result<void> firewalld_reload(std::span<const Surroundings> engines);

}  // namespace burrow::netstack
