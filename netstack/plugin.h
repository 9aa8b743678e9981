// Plugins: drivers outside of Burrow, by netavark's protocol. The documents that go to them and
// come from them, as values; netstack/run_plugin.h runs them.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "core/names.h"
#include "core/result.h"

namespace burrow::netstack {

struct SetupRequest;
struct AttachmentRequest;

struct PluginNameRule {
  static Result<void> check(std::string_view text);
};
/// The name of a driver that is a program of that name in a plugin directory:
/// [a-zA-Z0-9][a-zA-Z0-9_.-]*, at most 64 bytes, so never a path.
using PluginName = Name<PluginNameRule>;

/// Whether `driver` is one of Burrow's own, which no plugin can take the place of.
bool is_builtin_driver(std::string_view driver);

/// A plugin and what it is told of one attachment: the same in set-up and teardown.
struct PluginCall {
  std::string program;  ///< absolute path; its last part is a PluginName
  NetworkName network;
  std::string netns;  ///< path of the container's namespace, which may be gone in a teardown
  std::string input;  ///< JSON for its standard input
  friend bool operator==(const PluginCall&, const PluginCall&) = default;

  /// What messages call it: the driver's name.
  [[nodiscard]] std::string_view name() const;
};

/// StatusBlocks that plugins answered a set-up with, as JSON text, by network.
using PluginAnswers = std::map<NetworkName, std::string>;

/// Errors: invalid_input unless `text` is an absolute path whose last part is a PluginName.
Result<std::string> parse_plugin_path(std::string_view text);

/// What a plugin reads in `setup` and `teardown`: container, port mappings, network and the options
/// of the attachment. Source: reference netavark 2.1, 7.
std::string plugin_input(const SetupRequest& request, const AttachmentRequest& attachment);

/// A plugin's answer to `setup`, checked so that no engine stumbles over it, and with nothing in it
/// but what a StatusBlock has. Errors: invalid_input with the path of the field.
Result<std::string> checked_plugin_answer(std::string_view text);

}  // namespace burrow::netstack
