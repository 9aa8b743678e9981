// Kernel settings under /proc/sys, of the calling thread's network namespace.
#pragma once

#include <string>
#include <string_view>

#include "core/result.h"

namespace burrow::host {

/// The value of `key`, written with slashes as in "net/ipv4/ip_forward", without the line end.
/// Errors: not_found, system.
Result<std::string> read_sysctl(std::string_view key);

/// Sets `key`; a read-only /proc/sys that has the right value is fine.
Result<void> write_sysctl(std::string_view key, std::string_view value);

}  // namespace burrow::host
