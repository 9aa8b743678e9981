// A driver that lends a link of the host to a container: moved in, renamed, given addresses; and
// given back as it was. Not for links that the host itself needs: see `setup`.
#pragma once

#include "plugins/sdk/plugin.h"

namespace burrow::plugins {

/// The driver "host-device". Which link: the option "host_interface_name" of the attachment, else
/// the network's `network_interface`.
class HostDevice : public Plugin {
 public:
  [[nodiscard]] std::string version() const override;
  /// Errors: invalid_input when network and options are not such that an attachment could work.
  Result<netstack::Network> create(netstack::Network network) override;
  /// Errors: not_found for a link that the host has not; unsupported for one that it needs: the
  /// loopback, a port of a bridge, the link of the default route.
  Result<netstack::Status> setup(const Attachment& attachment) override;
  /// The link gets back its name, MAC address, MTU, alias and addresses. One that died with the
  /// namespace (the kernel keeps physical links only) is not waited for.
  Result<void> teardown(const Attachment& attachment) override;
};

}  // namespace burrow::plugins
