// Who is meant by a teardown: from its request as far as that can be read, and from the journal.
// Reads the journal and changes nothing.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "netstack/handles.h"
#include "netstack/journal.h"
#include "netstack/request.h"
#include "netstack/snapshot.h"

namespace burrow::netstack {

/// One container to take off networks, and what of the request speaks of it.
struct Leaving {
  ContainerId container;
  std::vector<NetworkName> networks;
  TeardownRequest asked;
};

/// Whom to take down: by name from the request; a request beyond reading means those who are on
/// record with the namespace, and one that names no networks means all of the container's. Errors:
/// of the request when that is nobody.
Result<std::vector<Leaving>> who_leaves(const std::string& netns,
                                        const Result<std::string>& request, const Journal& journal);

/// What of `request` has no record, neither of its container, as of `snapshot`, nor of another that
/// is on record in the same namespace.
Result<SetupRequest> without_records(const SetupRequest& request, const Snapshot& snapshot,
                                     const std::string& netns, const Journal& journal);

/// The inside of the container, or nothing, with a warning, when it cannot be entered any more.
std::optional<ContainerHandle> open_container(const std::filesystem::path& path);

}  // namespace burrow::netstack
