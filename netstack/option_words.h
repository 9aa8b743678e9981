// Single words of a network's `options`: the only place that reads them. Which options there are is
// each driver's own matter. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/ip.h"
#include "core/names.h"
#include "core/result.h"
#include "netstack/network.h"

namespace burrow::netstack {

/// Whether a network wants to be a container's way out.
enum class DefaultRoute { wanted, unwanted };

/// The word of `key`, or null.
const std::string* find_word(const Strings& words, const std::string& key);

/// The error of a word that cannot be read: the option, the word cut to 64 bytes, what was wanted.
Failure bad_option(std::string_view key, std::string_view word, std::string_view wanted);

/// One word each, with the option's name for the error. As the functions below read them.
Result<uint32_t> parse_number(std::string_view key, std::string_view word);
Result<int32_t> parse_signed_number(std::string_view key, std::string_view word);
Result<std::optional<uint32_t>> parse_mtu(std::string_view key, std::string_view word);
Result<DefaultRoute> parse_default_route(std::string_view key, std::string_view word);
Result<IpAddress> parse_address(std::string_view key, std::string_view word, Family family);

/// A whole number of 32 bits, as netavark takes them: decimal digits, a '+' before them at most.
/// Errors: invalid_input.
Result<std::optional<uint32_t>> read_number(const Strings& words, const std::string& key);
/// The same with a sign. Errors: invalid_input.
Result<std::optional<int32_t>> read_signed_number(const Strings& words, const std::string& key);
/// `mtu`, what Ethernet links can have; 0 means automatic, that is nothing. Errors: invalid_input.
Result<std::optional<uint32_t>> read_mtu(const Strings& words);
/// `no_default_route`, true or false. Errors: invalid_input.
Result<DefaultRoute> read_default_route(const Strings& words);
/// An address of `family`, like `outbound_addr4`. Errors: invalid_input.
Result<std::optional<IpAddress>> read_address(const Strings& words, const std::string& key,
                                              Family family);

}  // namespace burrow::netstack
