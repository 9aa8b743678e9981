// The sub-command `create`: a network as far as somebody described it in, its definition out. Looks
// at the names of the host's links, may run a plugin, and changes nothing.
#pragma once

#include <string>
#include <string_view>

#include "netstack/run_plugin.h"

namespace burrow::netstack {

/// The JSON text of the complete network. Errors: those of decode_create_request, plan_create and
/// plugin_create.
Result<std::string> create(std::string_view request, const PluginSettings& plugins);

}  // namespace burrow::netstack
