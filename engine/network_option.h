// What `--network`, `--add-host` and their like say, as values. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/container.h"

namespace burrow::engine {

/// A network that a container shall join, as named by the user.
struct NetworkChoice {
  std::string network;  ///< name, identifier or the start of it
  std::optional<LinkName> interface;
  std::vector<IpAddress> addresses;
  std::optional<MacAddress> mac;
  std::vector<std::string> aliases;
  std::map<std::string, std::string> limits;  ///< by their option: netstack/limit_words.h
};

/// One `NAME[:key=value,...]` with the keys ip, ip6, mac, alias, interface_name and those of
/// limits, whose lists have semicolons here; alias may repeat. Errors: invalid_input, naming the
/// argument.
Result<NetworkChoice> parse_network_choice(std::string_view text);

/// All `--network` of a container. The word "none" alone means no network; a first value may be a
/// list of names with commas. Errors: invalid_input.
Result<std::vector<NetworkChoice>> parse_network_choices(const std::vector<std::string>& texts);

/// One `NAME[;NAME...]:ADDRESS`; "host-gateway" stands for the host. Errors: invalid_input.
Result<HostEntry> parse_host_entry(std::string_view text);

/// A further name of a container: one like its own, or "*", or "*." and one, which stands for all
/// names below that (docs/dns.md). Errors: invalid_input.
Result<std::string> parse_alias(std::string_view text);

/// A MAC address that a container's link can have. Errors: invalid_input.
Result<MacAddress> parse_link_mac(std::string_view text);

}  // namespace burrow::engine
