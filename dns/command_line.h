// The command line of aardvark-dns, which is ours too. Pure: arguments to values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/ip.h"
#include "core/result.h"

namespace burrow::dns {

/// Whose habits win where ours are better than aardvark-dns's (docs/dns.md has the list).
enum class Compatibility : uint8_t { none, aardvark };

enum class Subcommand : uint8_t { run, print_version_document, print_version, print_help };

struct Endpoint {
  IpAddress address;
  uint16_t port = 0;
};

struct CommandLine {
  Subcommand subcommand = Subcommand::run;
  std::string config_directory = "/dev/stdin";
  uint16_t port = 5533;
  std::string search_domain = ".dns.podman";
  Compatibility compatibility = Compatibility::none;
  /// Memory for answers of upstreams; 0: none are kept. Nothing: none with aardvark-dns's habits,
  /// else as much as is usual.
  std::optional<size_t> cache_kib;
  std::optional<Endpoint> metrics;  ///< a loopback address
  size_t threads = 1;               ///< that serve
};

/// Reads `arguments`; the first is the program's name, and the name "aardvark-dns" turns
/// compatibility on. Options stand before the subcommand. Errors: invalid_input, for exit status 2.
Result<CommandLine> parse_command_line(std::span<const char* const> arguments);

/// The page for --help; the part up to the first empty line is the usage.
std::string help_text(std::string_view program);
/// The line for --version.
std::string version_text(Compatibility compatibility);
/// The JSON document of the subcommand "version".
std::string version_document(Compatibility compatibility);

/// The program's name without its directories.
std::string_view base_name(std::string_view path);

}  // namespace burrow::dns
