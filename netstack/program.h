// The program burrow-netstack from its arguments to its exit status.
#pragma once

#include <string>
#include <vector>

namespace burrow::netstack {

/// Runs one command; prints its answer. Returns the exit status: 0, 1 with {"error": ...} on
/// standard output, or 2 with usage on standard error.
int run_program(const std::string& argv0, const std::vector<std::string>& arguments);

}  // namespace burrow::netstack
