// What the options of a network may say, driver by driver: the words checked before anybody relies
// on them. Pure, and shared with the engine. What an option does is decided where it is used.
#pragma once

#include <optional>
#include <string_view>

#include "core/names.h"
#include "netstack/network.h"

namespace burrow::netstack {

/// The drivers that need no plugin.
enum class Driver { bridge, macvlan, ipvlan };

/// Nothing for a name that is none of ours.
std::optional<Driver> find_driver(std::string_view name);
std::string_view to_string(Driver driver);

/// Options of a bridge network in our own words, and what Docker's word for the bridge said.
struct BridgeWords {
  Strings options;
  std::optional<LinkName> bridge;
};

/// Takes Docker's words for the MTU and for the name of the bridge as ours. The MTU in Docker's
/// word wins over one in ours. Errors: invalid_input for a name that no link can have.
Result<BridgeWords> translate_docker_words(const Strings& options);

/// Checks that `options` has no key that the driver does not know and that every value is one that
/// it can take. Errors: invalid_input with key and word.
Result<void> check_options(Driver driver, const Strings& options);

/// Who makes the bridge of a network: we, or somebody else before us.
enum class BridgeMode { managed, unmanaged };
/// The word of option `mode`; an absent or empty one means managed. Errors: invalid_input.
Result<BridgeMode> bridge_mode(const Strings& options);

/// Where the addresses of containers come from: the word `driver` of `ipam_options`.
enum class IpamDriver { host_local, dhcp, none };
/// Nothing when the document does not say. Errors: invalid_input for other words.
Result<std::optional<IpamDriver>> ipam_driver(const Strings& ipam_options);
std::string_view to_string(IpamDriver driver);

}  // namespace burrow::netstack
