// The example of docs/plugins.md: a driver that gives a container a tap link, on which a program
// inside (a virtual machine, a VPN) speaks Ethernet without any privilege.
#pragma once

#include "plugins/sdk/plugin.h"

namespace burrow::plugins {

/// The driver "tap". Options: "owner", the user who may open the link (0), and "mtu".
class Tap : public Plugin {
 public:
  [[nodiscard]] std::string version() const override;
  Result<netstack::Network> create(netstack::Network network) override;
  Result<netstack::Status> setup(const Attachment& attachment) override;
  Result<void> teardown(const Attachment& attachment) override;
};

}  // namespace burrow::plugins
