// The sub-command `create`: a network as far as somebody described it in, its definition out. Looks
// at the names of the host's links and changes nothing.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace burrow::netstack {

/// The JSON text of the complete network. `plugin_directories` are where drivers that are not ours
/// would be. Errors: those of decode_create_request and plan_create.
Result<std::string> create(std::string_view request,
                           const std::vector<std::filesystem::path>& plugin_directories);

}  // namespace burrow::netstack
