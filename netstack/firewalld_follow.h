// Waiting on the message bus for firewalld to forget which zones our bridges are in: it does
// whenever it reloads or starts.
#pragma once

#include <filesystem>
#include <functional>
#include <vector>

#include "core/result.h"

namespace burrow::netstack {

/// Calls `put_back` now, and whenever firewalld has forgotten what it had at runtime; not while it
/// is still starting. firewalld itself may come and go. Errors: not_found without a bus, changed
/// when the bus goes; timeout, permission, system. Does not return otherwise.
Result<void> follow_firewalld(const std::function<void()>& put_back);

/// The same, putting back the bridges of all networks that these run directories have on record.
Result<void> keep_zones(const std::vector<std::filesystem::path>& run_directories);

}  // namespace burrow::netstack
