// The time of day as documents write it. Not for measuring.
#pragma once

#include <string>

namespace burrow::host {

/// Now in UTC by RFC 3339, with nanoseconds, as Go writes times: "2026-01-02T03:04:05.678901234Z".
std::string timestamp();

}  // namespace burrow::host
