// The store's tables and how an older store becomes a current one.
#pragma once

#include <string_view>

#include "engine/sqlite.h"

namespace burrow::engine {

/// Brings `database` to the current schema. Errors: unsupported when a newer release wrote it.
Result<void> migrate(Database& database);

/// Compares the stored boot with `boot_id`. When the machine was booted since, everything that died
/// with the last boot is cleaned up. Yields whether it was.
Result<bool> note_boot(Database& database, std::string_view boot_id);

}  // namespace burrow::engine
