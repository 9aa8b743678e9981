// The command line of netavark's dhcp-proxy, which is ours too, and `status`. Pure: arguments and
// environment to values.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/result.h"
#include "dhcp/boot_clock.h"

namespace burrow::dhcp {

enum class Subcommand : uint8_t { run, status, print_version, print_help };
enum class StatusForm : uint8_t { table, json };

struct CommandLine {
  Subcommand subcommand = Subcommand::run;
  std::filesystem::path directory;  ///< where leases are kept: below it in leases/
  std::filesystem::path socket;
  seconds patience{8};  ///< for getting a lease
  std::optional<seconds> idle{
      seconds{300}};  ///< how long to stay without leases; nothing: for ever
  StatusForm form = StatusForm::table;
};

/// The value of an environment variable.
using Environment = std::function<std::optional<std::string>(const char*)>;

/// Reads `arguments`; the first is the program's name. As "netavark-dhcp-proxy" the directory and
/// the socket are netavark's. Errors: invalid_input, for exit status 2.
Result<CommandLine> parse_command_line(std::span<const char* const> arguments,
                                       const Environment& environment);

/// The page for --help and the line for --version.
std::string help_text(std::string_view program);
std::string version_text(std::string_view program);

/// The program's name without its directories.
std::string_view base_name(std::string_view path);

}  // namespace burrow::dhcp
