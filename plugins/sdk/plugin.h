// A network plugin as a class: what a driver does, without the protocol around it. docs/plugins.md
// shows one from the first line to the last.
#pragma once

#include <string>

#include "netstack/network.h"
#include "netstack/status.h"
#include "plugins/sdk/attachment.h"

namespace burrow::plugins {

/// A driver. Each call is a process of its own: what one call is to know of another must be kept
/// outside, for instance by a Memory.
class Plugin {
 public:
  Plugin() = default;
  Plugin(const Plugin&) = delete;
  Plugin& operator=(const Plugin&) = delete;
  virtual ~Plugin() = default;

  /// Of the plugin, for people.
  [[nodiscard]] virtual std::string version() const = 0;

  /// Completes a network that a person asked for, or refuses it. Name, id and driver stay.
  virtual Result<netstack::Network> create(netstack::Network network) { return network; }

  /// Attaches a container, all or nothing, and says what it got.
  virtual Result<netstack::Status> setup(const Attachment& attachment) = 0;

  /// Takes a container off. Succeeds when nothing is there to be taken off, or half of it: a set-up
  /// may have been cut short anywhere, and the namespace may be gone.
  virtual Result<void> teardown(const Attachment& attachment) = 0;
};

/// The whole of a plugin's main(): reads the call, has the plugin act, answers. Returns the exit
/// status.
int run(Plugin& plugin, int argc, char** argv);

}  // namespace burrow::plugins
