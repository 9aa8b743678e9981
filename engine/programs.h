// Where the programs are that the engine runs.
#pragma once

#include <filesystem>

#include "core/result.h"

namespace burrow::engine {

/// burrow-netstack: `$BURROW_NETSTACK`, else beside our own program, else the libexec directories.
/// Errors: not_found, naming where it was looked for.
Result<std::filesystem::path> find_netstack();
/// burrow-dns: `$BURROW_DNS`, else beside our own program, else the libexec directories. May name a
/// program that is missing: networks without DNS need none.
std::filesystem::path find_dns();
/// Our own program.
Result<std::filesystem::path> own_program();

enum class RuntimeKind { crun, runc };

/// An OCI runtime.
struct RuntimeProgram {
  RuntimeKind kind;
  std::filesystem::path path;
};

/// `$BURROW_RUNTIME`, else crun, else runc, from PATH and the system's directories.
/// Errors: not_found, saying what to install.
Result<RuntimeProgram> find_runtime();

}  // namespace burrow::engine
