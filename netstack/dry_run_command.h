// The sub-command `plan`: what setup or teardown would do now. Observes, decides, and writes
// nothing at all: no file, no lock that is not there, no step.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "host/netns.h"
#include "netstack/dry_run.h"
#include "netstack/surroundings.h"

namespace burrow::netstack {

/// What a set-up would do and answer. Parameters and errors: as of setup.
Result<DryRun> foresee_setup(host::NetNs netns, const std::filesystem::path& path,
                             std::string_view request_text, const Surroundings& surroundings);

/// What a teardown would do. Parameters: as of teardown. What of the request does not decode is
/// among the notes. Errors: of the request, when it means nobody; system.
Result<DryRun> foresee_teardown(const std::filesystem::path& netns,
                                const Result<std::string>& request_text,
                                const Surroundings& surroundings);

}  // namespace burrow::netstack
