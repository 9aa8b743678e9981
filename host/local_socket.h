// Unix stream sockets at paths: for a daemon and the programs of its own user. What is said over
// them is the daemon's matter.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "core/result.h"
#include "host/fd.h"

namespace burrow::host {

/// A listening socket at `path` that does not block, in place of whatever was there, for the owner
/// alone (mode 0600). It appears when connections are taken, never before. Errors: system.
Result<Fd> listen_local(const std::filesystem::path& path);

/// Whether the process at the other end of `socket` is ours to trust: of our user, or root.
bool is_trusted_peer(const Fd& socket);

/// A connection to the daemon at `path`. Errors: not_found when nothing is there, system, also when
/// nobody listens.
Result<Fd> connect_local(const std::filesystem::path& path);

/// Sends `request` to the daemon at `path` and returns all that it says until it closes.
/// Errors: as connect_local; timeout; invalid_input for more than 64 MiB.
Result<std::string> ask_local(const std::filesystem::path& path, std::string_view request,
                              std::chrono::milliseconds deadline);

/// Sends `request` and calls `on_line` with each line that the daemon says, without its end, until
/// the daemon closes. Errors: as connect_local; invalid_input for a line of more than 64 MiB.
Result<void> follow_local(const std::filesystem::path& path, std::string_view request,
                          const std::function<void(std::string_view)>& on_line);

}  // namespace burrow::host
