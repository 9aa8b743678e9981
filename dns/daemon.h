// How the program becomes a daemon: the command line, the fork, the word to the caller that it
// serves, and the log. What it then does: service.h.
#pragma once

#include <span>

namespace burrow::dns {

/// The whole program; returns its exit status: 0, 1 when it cannot serve, 2 for a usage error.
/// Returns in the caller's process as soon as the daemon serves.
int run_program(std::span<const char* const> arguments);

}  // namespace burrow::dns
