#include "netstack/command_line.h"

#include <algorithm>
#include <charconv>

#include "core/json.h"
#include "netstack/help.h"
#include "netstack/version.h"

namespace burrow::netstack {
namespace {

constexpr std::string_view kNetavarkVersion = "2.1.0";

std::string_view program(CalledAs called_as) {
  return called_as == CalledAs::netavark ? "netavark" : "burrow-netstack";
}

// Puts the value of a global option where it belongs; returns what is wrong with it, if anything.
std::optional<std::string> store_global(CommandLine& line, std::string_view name,
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

// Options of `limit` are those of a network, with a dash where it has an underscore.
bool is_limit(std::string_view name) {
  return name.starts_with("egress-") || name.starts_with("ingress-") || name == "connections" ||
         name == "connection-rate" || name == "packet-rate";
}

// The same for an option behind a sub-command.
std::optional<std::string> store_own(CommandLine& line, std::string_view name, std::string value) {
  if (name == "network-dns-servers") {
    line.dns_servers = line.dns_servers ? *line.dns_servers + ',' + value : std::move(value);
    return std::nullopt;
  }
  if (name == "container") {
    if (line.container) return "\"--container\" is given twice";
    line.container = std::move(value);
    return std::nullopt;
  }
  if (is_limit(name)) {
    std::string option{name};
    std::ranges::replace(option, '-', '_');
    if (line.limits.emplace(std::move(option), std::move(value)).second) return std::nullopt;
    return fmt::format("\"--{}\" is given twice", name);
  }
  if (name == "dry-run") {
    line.is_dry_run = true;
    return std::nullopt;
  }
  if (name == "counters") {
    line.has_counters = true;
    return std::nullopt;
  }
  if (name == "from" || name == "to") {
    (name == "from" ? line.from : line.to) = std::move(value);
    return std::nullopt;
  }
  if (name == "protocol") {
    line.protocol = std::move(value);
    return std::nullopt;
  }
  if (name == "packets") {
    const auto [end, error] =
        std::from_chars(value.data(), value.data() + value.size(), line.packets);
    if (error == std::errc{} && end == value.data() + value.size() && line.packets > 0) {
      return std::nullopt;
    }
    return fmt::format("invalid value \"{}\" for \"--packets\": must be a number", value);
  }
  if (name == "run-directory") {
    if (value.empty()) return "\"--run-directory\" is empty";
    line.watched.push_back(std::move(value));
    return std::nullopt;
  }
  if (value != "text" && value != "json") {
    return fmt::format("invalid value \"{}\" for \"--format\": must be text or json", value);
  }
  line.format = value == "json" ? Format::json : Format::text;
  return std::nullopt;
}

std::optional<std::string> store_operands(CommandLine& line, std::vector<std::string> operands) {
  switch (line.subcommand) {
    case Subcommand::setup:
    case Subcommand::teardown:
      line.netns = std::move(operands.front());
      break;
    case Subcommand::update:
    case Subcommand::limit:
      line.network = std::move(operands.front());
      break;
    case Subcommand::plan:
      if (operands.front() != "setup" && operands.front() != "teardown") {
        return fmt::format("cannot plan \"{}\": must be setup or teardown", operands.front());
      }
      line.planned = operands.front() == "setup" ? Subcommand::setup : Subcommand::teardown;
      line.netns = std::move(operands.back());
      break;
    case Subcommand::firewall:
      if (operands.front() != "show") {
        return fmt::format("cannot \"{}\" the firewall: must be show", operands.front());
      }
      break;
    case Subcommand::create:
    case Subcommand::firewall_reload:
    case Subcommand::firewalld_reload:
    case Subcommand::watch:
    case Subcommand::repair:
    case Subcommand::trace:
    case Subcommand::doctor:
    case Subcommand::dhcp_proxy:
    case Subcommand::version:
      break;
  }
  return std::nullopt;
}

bool asks_for_help(std::string_view argument) { return argument == "-h" || argument == "--help"; }

const SubcommandText* find_subcommand(std::string_view name) {
  for (const auto& text : all_subcommands()) {
    if (text.name == name) return &text;
  }
  return nullptr;
}

class Reader {
 public:
  Reader(const std::vector<std::string>& arguments, CalledAs called_as)
      : arguments_(arguments), program_(program(called_as)), called_as_(called_as) {}

  tl::expected<CommandLine, Answer> read() {
    CommandLine line;
    while (next_ < arguments_.size()) {
      const std::string& argument = arguments_[next_];
      if (asks_for_help(argument)) return text(program_help(program_));
      if (argument == "-V" || argument == "--version") {
        return text(version_line(called_as_) + "\n");
      }
      if (argument.size() > 1 && argument.front() == '-') {
        if (auto trouble = read_option(line, global_options(), store_global)) {
          return usage(*trouble);
        }
        continue;
      }
      ++next_;
      if (argument == "help") return help();
      const auto* subcommand = find_subcommand(argument);
      if (subcommand == nullptr) {
        return usage(fmt::format("unrecognized command \"{}\"", argument));
      }
      return read_subcommand(std::move(line), *subcommand);
    }
    return usage("a command is missing");
  }

 private:
  using Store = std::optional<std::string>(CommandLine&, std::string_view, std::string);

  // One option and its value, wherever that stands: "--x=v", "--x v", "-xv", "-x v". Returns what
  // is wrong, if anything.
  std::optional<std::string> read_option(CommandLine& line, std::span<const OptionText> options,
                                         Store store) {
    const std::string& argument = arguments_[next_++];
    for (const auto& option : options) {
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
      if (option.value.empty()) {
        if (value) return fmt::format("\"{}\" takes no value", long_name);
        return store(line, option.name, {});
      }
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

  tl::expected<CommandLine, Answer> read_subcommand(CommandLine line, const SubcommandText& known) {
    line.subcommand = known.subcommand;
    if (line.subcommand == Subcommand::dhcp_proxy) {
      line.rest.assign(arguments_.begin() + static_cast<std::ptrdiff_t>(next_), arguments_.end());
      return line;
    }
    std::vector<std::string> operands;
    while (next_ < arguments_.size()) {
      const std::string& argument = arguments_[next_];
      if (asks_for_help(argument)) return text(subcommand_help(program_, known));
      if (argument.size() > 1 && argument.front() == '-') {
        if (auto trouble = read_option(line, known.options, store_own)) return usage(*trouble);
        continue;
      }
      if (operands.size() == known.operands.size()) {
        return usage(fmt::format("unexpected argument \"{}\"", argument));
      }
      const auto& operand = known.operands[operands.size()];
      if (argument.empty()) return usage(lacks(known, operand));
      operands.push_back(argument);
      ++next_;
    }
    if (operands.size() < known.operands.size()) {
      return usage(lacks(known, known.operands[operands.size()]));
    }
    if (line.subcommand == Subcommand::update && !line.dns_servers) {
      return usage("update needs \"--network-dns-servers <ADDRESSES>\"");
    }
    if (line.subcommand == Subcommand::limit && line.limits.empty()) {
      return usage("limit needs a limit, such as \"--egress-deny <LIST>\"");
    }
    if (line.subcommand == Subcommand::trace && (line.from.empty() || line.to.empty())) {
      return usage("trace needs \"--from <ADDRESS>\" and \"--to <ADDRESS[:PORT]>\"");
    }
    if (auto trouble = store_operands(line, std::move(operands))) return usage(*trouble);
    return line;
  }

  static std::string lacks(const SubcommandText& subcommand, const OperandText& operand) {
    return fmt::format("{} needs {}: {}", subcommand.name, operand.name, operand.meaning);
  }

  tl::expected<CommandLine, Answer> help() {
    if (next_ == arguments_.size()) return text(program_help(program_));
    const auto* subcommand = find_subcommand(arguments_[next_]);
    if (subcommand != nullptr) return text(subcommand_help(program_, *subcommand));
    return usage(fmt::format("unrecognized command \"{}\"", arguments_[next_]));
  }

  static tl::unexpected<Answer> text(std::string text) {
    return tl::unexpected{Answer{std::move(text), 0}};
  }

  [[nodiscard]] tl::unexpected<Answer> usage(const std::string& trouble) const {
    return tl::unexpected{
        Answer{fmt::format("error: {}\n\nUsage: {} [OPTIONS] COMMAND\n\nFor more, try --help.\n",
                           trouble, program_),
               2}};
  }

  const std::vector<std::string>& arguments_;
  std::string_view program_;
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
