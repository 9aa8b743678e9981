// Running plugins: found in the plugin directories, executed with bounds, their answers checked.
// The exception to "no program is executed": see docs/decisions/0010-plugins-are-programs.md.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "netstack/plugin.h"
#include "netstack/request.h"

namespace burrow::netstack {

/// What the command line and the environment say about plugins.
struct PluginSettings {
  std::vector<std::filesystem::path> directories;  ///< absolute, searched in this order
  std::chrono::milliseconds time_limit{30'000};    ///< of one run of a plugin
};

/// The program of driver `name`: the first regular file of that name, symbolic links followed, that
/// somebody may execute. Nothing when there is none.
std::optional<std::string> find_plugin(const PluginName& name, const PluginSettings& settings);

/// The programs of all drivers of a request that are not ours, as far as they are found.
std::map<std::string, std::string> find_plugins(const SetupRequest& request,
                                                const PluginSettings& settings);

/// Runs a plugin's `setup` and returns its answer, a checked StatusBlock. A plugin that does not
/// say by itself that it failed (it hung, died by a signal, answered with garbage or too much) may
/// have left a half behind: its `teardown` is run before the error is returned. Errors: timeout,
/// system, not_found, invalid_input, each naming the plugin and what happened.
Result<std::string> plugin_setup(const PluginCall& call, const PluginSettings& settings);

/// Runs a plugin's `teardown`. A program that is gone is looked for by its name in the directories
/// of today. Errors as above.
Result<void> plugin_teardown(const PluginCall& call, const PluginSettings& settings);

/// Has the plugin of the network's driver complete it. Whether the plugin kept to what it may
/// change is for the caller to check. Errors as above; unsupported without a plugin directory,
/// not_found when none has the driver.
Result<Network> plugin_create(const Network& network, const PluginSettings& settings);

}  // namespace burrow::netstack
