// What a plugin is told of one container on one network, decoded. Pure.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/names.h"
#include "core/port.h"
#include "netstack/request.h"
#include "netstack/status.h"

namespace burrow::plugins {

/// One container to be put on one network, or to be taken off it.
struct Attachment {
  ContainerId container;
  std::string container_name;  ///< may be empty
  netstack::AttachmentRequest asked;
  std::vector<PortMapping> ports;  ///< to publish, if the driver does such a thing
  std::filesystem::path netns;     ///< in a teardown it may be gone
};

/// Decodes what the protocol gives to `setup` and `teardown`. Errors: invalid_input with the path
/// of the field.
Result<Attachment> decode_attachment(std::string_view document, std::filesystem::path netns);

/// The container's addresses, subnet by subnet, each with its subnet's gateway. None when the
/// network has the address driver "none". Errors: invalid_input for an address outside of all
/// subnets, and for addresses that are missing; unsupported for the address driver "dhcp".
Result<std::vector<netstack::StatusAddress>> addresses_of(const netstack::AttachmentRequest& asked);

/// The option `key` of the attachment, or else of its network; nothing when neither has it.
std::optional<std::string> option_of(const netstack::AttachmentRequest& asked,
                                     const std::string& key);

}  // namespace burrow::plugins
