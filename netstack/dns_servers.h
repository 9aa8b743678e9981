// The upstream servers of a network whose containers run: how they change in its DNS file, and how
// a command line lists them. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/ip.h"
#include "core/names.h"

namespace burrow::netstack {

/// The content of a DNS file with other upstream servers in its first line. Errors: invalid_input
/// when one of them is an address that the daemon itself listens on, by which queries would go in a
/// circle.
Result<std::string> with_servers(std::string_view content, const std::vector<IpAddress>& servers);

/// Addresses with commas between them, each once; empty parts and blanks around them count for
/// nothing. Errors: invalid_input.
Result<std::vector<IpAddress>> parse_servers(std::string_view text);

/// The names that the DNS file of a network can have: of an internal network and of an external
/// one.
std::vector<std::string> dns_files_of(const NetworkName& network);

}  // namespace burrow::netstack
