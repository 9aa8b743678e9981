// The program burrow-dhcp, from its arguments to its exit status.
#pragma once

#include <span>

namespace burrow::dhcp {

/// Runs the program; `arguments` includes its name. Returns the exit status.
int run_program(std::span<const char* const> arguments);

}  // namespace burrow::dhcp
