// The sub-command `doctor`: looks at the host, and tries the kernel in a namespace that is thrown
// away. Changes nothing; the kernel may load modules for what is tried.
#pragma once

#include <cstdint>
#include <filesystem>

#include "netstack/doctor.h"

namespace burrow::netstack {

/// What was seen. What cannot be seen is taken to be as it should be: the set-up will say.
HostFacts examine_host(const std::filesystem::path& dns_binary, uint16_t dns_port);

}  // namespace burrow::netstack
