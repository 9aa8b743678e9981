#include "netstack/command_line.h"

#include <array>

#include "core/json.h"
#include "netstack/version.h"

namespace burrow::netstack {
namespace {

constexpr std::string_view kNetavarkVersion = "2.1.0";

struct Option {
  char short_name;  // 0: none
  std::string_view name;
  std::string_view value;
  std::string_view help;
};

constexpr std::array kOptions{
    Option{'f', "file", "FILE", "read the request from FILE instead of standard input"},
    Option{0, "firewall-driver", "DRIVER",
           "nftables or none [env: NETAVARK_FW; default: nftables]"},
    Option{'c', "config", "DIR", "run directory: journal, lock and DNS files"},
    Option{'r', "rootless", "BOOL", "true or false: run for an engine without root"},
    Option{'a', "aardvark-binary", "PATH", "DNS daemon; empty or missing: no DNS"},
    Option{0, "plugin-directory", "DIR", "where network plugins are; repeatable"},
    Option{0, "plugin-timeout", "SECONDS",
           "how long a plugin may run [env: BURROW_PLUGIN_TIMEOUT; default: 30]"},
};

struct SubcommandHelp {
  Subcommand subcommand;
  std::string_view name;
  std::string_view argument;
  std::string_view help;
};

constexpr std::array kSubcommands{
    SubcommandHelp{Subcommand::setup, "setup", "NETNS",
                   "attach the container in NETNS to the request's networks, print what it got"},
    SubcommandHelp{Subcommand::teardown, "teardown", "NETNS",
                   "take the container off the request's networks"},
    SubcommandHelp{Subcommand::create, "create", "",
                   "complete the network of the request and print its definition"},
    SubcommandHelp{Subcommand::dhcp_proxy, "dhcp-proxy", "[OPTIONS]",
                   "run burrow-dhcp, which gets addresses for containers; --help: its options"},
    SubcommandHelp{Subcommand::version, "version", "", "print the version as JSON"},
};

std::string_view program(CalledAs called_as) {
  return called_as == CalledAs::netavark ? "netavark" : "burrow-netstack";
}

std::string help_text(CalledAs called_as) {
  auto text = fmt::format(
      "Sets up the network of containers from a JSON request.\n\n"
      "Usage: {} [OPTIONS] COMMAND\n\nCommands:\n",
      program(called_as));
  for (const auto& command : kSubcommands) {
    text += fmt::format("  {:<28}{}\n", fmt::format("{} {}", command.name, command.argument),
                        command.help);
  }
  text += "\nOptions, before the command:\n";
  for (const auto& option : kOptions) {
    const auto names =
        option.short_name != 0
            ? fmt::format("-{}, --{} {}", option.short_name, option.name, option.value)
            : fmt::format("    --{} {}", option.name, option.value);
    text += fmt::format("  {:<28}{}\n", names, option.help);
  }
  text +=
      "  -h, --help                  print this\n"
      "  -V, --version               print the version\n\n"
      "Environment: NETAVARK_FW, NETAVARK_DNS_PORT (where DNS listens, default 53), RUST_LOG or\n"
      "BURROW_LOG (error, warn, info, debug).\n"
      "On failure: exit status 1 and {\"error\": \"...\"} on standard output.\n";
  return text;
}

// Reads one option's value wherever it stands: "--x=v", "--x v", "-xv", "-x v".
class Reader {
 public:
  Reader(const std::vector<std::string>& arguments, CalledAs called_as)
      : arguments_(arguments), called_as_(called_as) {}

  tl::expected<CommandLine, Answer> read() {
    CommandLine line;
    while (next_ < arguments_.size()) {
      const std::string& argument = arguments_[next_];
      if (argument == "-h" || argument == "--help" || argument == "help") {
        return tl::unexpected{Answer{help_text(called_as_), 0}};
      }
      if (argument == "-V" || argument == "--version") {
        return tl::unexpected{Answer{version_line(called_as_) + "\n", 0}};
      }
      if (argument.size() > 1 && argument.front() == '-') {
        if (auto trouble = read_option(line)) return usage(*trouble);
        continue;
      }
      return read_subcommand(std::move(line));
    }
    return usage("a command is missing");
  }

 private:
  // Nothing, or what is wrong.
  std::optional<std::string> read_option(CommandLine& line) {
    const std::string& argument = arguments_[next_++];
    for (const auto& option : kOptions) {
      const auto long_name = fmt::format("--{}", option.name);
      std::optional<std::string> value;
      bool is_it = false;
      if (argument == long_name) {
        is_it = true;
      } else if (argument.starts_with(long_name + "=")) {
        is_it = true;
        value = argument.substr(long_name.size() + 1);
      } else if (option.short_name != 0 && argument[1] == option.short_name) {
        is_it = true;
        if (argument.size() > 2) value = argument.substr(argument[2] == '=' ? 3 : 2);
      }
      if (!is_it) continue;
      if (!value) {
        if (next_ == arguments_.size()) {
          return fmt::format("a value is required for \"{} <{}>\"", long_name, option.value);
        }
        value = arguments_[next_++];
      }
      return store(line, option.name, *std::move(value));
    }
    return fmt::format("unexpected argument \"{}\"", argument);
  }

  static std::optional<std::string> store(CommandLine& line, std::string_view name,
                                          std::string value) {
    if (name == "plugin-directory") {
      line.plugin_directories.push_back(std::move(value));
      return std::nullopt;
    }
    if (name == "rootless") {
      if (value != "true" && value != "false") {
        return fmt::format("invalid value \"{}\" for \"--rootless\": must be true or false", value);
      }
      line.is_rootless = value == "true";
      return std::nullopt;
    }
    auto& field = name == "file"              ? line.file
                  : name == "firewall-driver" ? line.firewall_driver
                  : name == "config"          ? line.run_directory
                  : name == "plugin-timeout"  ? line.plugin_timeout
                                              : line.dns_binary;
    if (field) return fmt::format("\"--{}\" is given twice", name);
    field = std::move(value);
    return std::nullopt;
  }

  tl::expected<CommandLine, Answer> read_subcommand(CommandLine line) {
    const std::string& name = arguments_[next_++];
    for (const auto& command : kSubcommands) {
      if (name != command.name) continue;
      line.subcommand = command.subcommand;
      if (line.subcommand == Subcommand::dhcp_proxy) {
        line.rest.assign(arguments_.begin() + static_cast<std::ptrdiff_t>(next_), arguments_.end());
        return line;
      }
      if (!command.argument.empty()) {
        if (next_ == arguments_.size() || arguments_[next_].empty()) {
          return usage(fmt::format("{} needs the path of a network namespace", name));
        }
        line.netns = arguments_[next_++];
      }
      if (next_ != arguments_.size()) {
        return usage(fmt::format("unexpected argument \"{}\"", arguments_[next_]));
      }
      return line;
    }
    return usage(fmt::format("unrecognized command \"{}\"", name));
  }

  [[nodiscard]] tl::unexpected<Answer> usage(const std::string& trouble) const {
    return tl::unexpected{
        Answer{fmt::format("error: {}\n\nUsage: {} [OPTIONS] COMMAND\n\nFor more, try --help.\n",
                           trouble, program(called_as_)),
               2}};
  }

  const std::vector<std::string>& arguments_;
  CalledAs called_as_;
  size_t next_ = 0;
};

}  // namespace

CalledAs called_as(std::string_view argv0) {
  const auto slash = argv0.rfind('/');
  const auto name = slash == argv0.npos ? argv0 : argv0.substr(slash + 1);
  return name == "netavark" ? CalledAs::netavark : CalledAs::burrow_netstack;
}

tl::expected<CommandLine, Answer> parse_command_line(const std::vector<std::string>& arguments,
                                                     CalledAs called_as) {
  return Reader{arguments, called_as}.read();
}

std::string version_line(CalledAs called_as) {
  if (called_as == CalledAs::netavark) {
    return fmt::format("netavark {} (burrow-netstack {})", kNetavarkVersion, kVersion);
  }
  return fmt::format("burrow-netstack {}", kVersion);
}

std::string version_document(CalledAs called_as) {
  Json json{{"version", called_as == CalledAs::netavark ? kNetavarkVersion : kVersion},
            {"commit", kCommit},
            {"build_time", kBuildTime},
            {"target", kTarget},
            {"default_fw_driver", "nftables"}};
  if (called_as == CalledAs::netavark) json["burrow_version"] = kVersion;
  return json.dump(2);
}

}  // namespace burrow::netstack
