// The command line in netavark's grammar: global options before the sub-command, its own behind it,
// each by long or short name. Pure: arguments and environment in, values out.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "netstack/subcommands.h"

namespace burrow::netstack {

/// For whom a command prints.
enum class Format { text, json };

/// A command line that makes sense.
struct CommandLine {
  std::optional<std::string> file;  ///< of the request; nothing: standard input
  std::optional<std::string> firewall_driver;
  std::optional<std::string> run_directory;
  std::optional<std::string> dns_binary;
  bool is_rootless = false;
  std::vector<std::string> plugin_directories;
  std::optional<std::string> plugin_timeout;  ///< seconds, as written
  Subcommand subcommand = Subcommand::version;
  Subcommand planned = Subcommand::setup;  ///< of plan: setup or teardown
  std::string netns;                       ///< of setup, teardown and plan
  std::string network;                     ///< of update and limit
  std::optional<std::string> dns_servers;  ///< of update, with commas between them
  std::vector<std::string> rest;           ///< of dhcp-proxy, which reads it itself
  Format format = Format::text;            ///< of what has a report
  bool is_dry_run = false;                 ///< of repair
  bool has_counters = false;               ///< of firewall
  std::string from;                        ///< of trace, as written
  std::string to;                          ///< likewise
  std::optional<std::string> protocol;     ///< likewise
  size_t packets = 1;                      ///< of trace
  std::vector<std::string> watched;        ///< run directories, of watch

  std::optional<std::string> container;       ///< of limit
  std::map<std::string, std::string> limits;  ///< likewise: words by option of a network
};

/// A command line that asks for text, or one that makes no sense and gets some.
struct Answer {
  std::string text;
  int exit_code = 0;  ///< 0: for standard output; 2: for standard error
};

/// Which program we were called as, from argv[0].
enum class CalledAs { burrow_netstack, netavark };
CalledAs called_as(std::string_view argv0);

/// Reads the arguments after argv[0].
tl::expected<CommandLine, Answer> parse_command_line(const std::vector<std::string>& arguments,
                                                     CalledAs called_as);

/// The line that --version prints.
std::string version_line(CalledAs called_as);
/// The JSON that `version` prints.
std::string version_document(CalledAs called_as);

}  // namespace burrow::netstack
