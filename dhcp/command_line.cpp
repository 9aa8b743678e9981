#include "dhcp/command_line.h"

#include <charconv>

#include "dhcp/places.h"

namespace burrow::dhcp {
namespace {

constexpr std::string_view kNetavarkVersion = "2.1.0";
constexpr uint64_t kLongestPatience = 300;
constexpr uint64_t kLongestIdle = 365ULL * 24 * 3600;

struct OptionName {
  char letter;
  std::string_view word;
};
constexpr OptionName kDirectory{'d', "dir"};
constexpr OptionName kSocket{'u', "uds"};
constexpr OptionName kPatience{'t', "timeout"};
constexpr OptionName kIdle{'a', "activity-timeout"};
constexpr OptionName kForm{'\0', "format"};

class Reader {
 public:
  explicit Reader(std::span<const char* const> arguments) : rest_(arguments) {}

  std::optional<std::string_view> next() {
    if (rest_.empty()) return {};
    const std::string_view word{rest_[0]};
    rest_ = rest_.subspan(1);
    return word;
  }

  // The value of the option at hand if that is `name`: "-xV", "-x=V", "-x V", "--word=V",
  // "--word V". Errors when the value is missing.
  Result<std::optional<std::string_view>> value_of(std::string_view word, const OptionName& name) {
    std::string_view rest;
    if (word.starts_with("--") && word.substr(2).starts_with(name.word)) {
      rest = word.substr(2 + name.word.size());
      if (!rest.empty() && rest.front() != '=') return std::nullopt;
    } else if (name.letter != '\0' && word.size() > 1 && word[0] == '-' && word[1] == name.letter) {
      rest = word.substr(2);
    } else {
      return std::nullopt;
    }
    if (rest.starts_with('=')) return rest.substr(1);
    if (!rest.empty()) return rest;
    const auto value = next();
    if (!value) return fail(Errc::invalid_input, "a value is required for '--{}'", name.word);
    return value;
  }

 private:
  std::span<const char* const> rest_;
};

Result<seconds> parse_seconds(std::string_view text, std::string_view option, uint64_t least,
                              uint64_t most) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < least || value > most) {
    return fail(Errc::invalid_input, "invalid value '{}' for '--{}': not in {}..={} seconds",
                text.substr(0, 32), option, least, most);
  }
  return seconds{value};
}

Result<void> parse_option(std::string_view word, Reader& reader, CommandLine& line) {
  if (const auto directory = TRY(reader.value_of(word, kDirectory))) {
    line.directory = *directory;
  } else if (const auto socket = TRY(reader.value_of(word, kSocket))) {
    line.socket = *socket;
  } else if (const auto patience = TRY(reader.value_of(word, kPatience))) {
    line.patience = TRY(parse_seconds(*patience, kPatience.word, 1, kLongestPatience));
  } else if (const auto idle = TRY(reader.value_of(word, kIdle))) {
    line.idle = TRY(parse_seconds(*idle, kIdle.word, 0, kLongestIdle));
    if (line.idle == seconds{0}) line.idle.reset();
  } else if (const auto form = TRY(reader.value_of(word, kForm))) {
    if (*form != "json" && *form != "table") {
      return fail(Errc::invalid_input, "invalid value '{}' for '--format': table or json",
                  form->substr(0, 32));
    }
    line.form = *form == "json" ? StatusForm::json : StatusForm::table;
  } else {
    return fail(Errc::invalid_input, "unexpected argument '{}' found", word.substr(0, 64));
  }
  return {};
}

}  // namespace

Result<CommandLine> parse_command_line(std::span<const char* const> arguments,
                                       const Environment& environment) {
  CommandLine line;
  const bool is_netavark = !arguments.empty() && base_name(arguments[0]) == kNetavarkName;
  Reader reader{arguments.empty() ? arguments : arguments.subspan(1)};
  bool has_subcommand = false;
  while (const auto word = reader.next()) {
    if (*word == "-h" || *word == "--help" || *word == "help") {
      line.subcommand = Subcommand::print_help;
      return line;
    }
    if (*word == "-V" || *word == "--version") {
      line.subcommand = Subcommand::print_version;
      return line;
    }
    if (!word->starts_with('-') && !has_subcommand && (*word == "run" || *word == "status")) {
      has_subcommand = true;
      line.subcommand = *word == "run" ? Subcommand::run : Subcommand::status;
      continue;
    }
    TRY_VOID(parse_option(*word, reader, line));
  }
  // As netavark has it: the variable wins over the option.
  if (const auto directory = environment("NETAVARK_PROXY_RUN_DIR_ENV")) line.directory = *directory;
  const auto& place = is_netavark ? kNetavarkPlace : kOwnPlace;
  if (line.directory.empty()) line.directory = place.directory;
  if (line.socket.empty()) line.socket = line.directory / place.socket_name;
  if (!line.directory.is_absolute() || !line.socket.is_absolute()) {
    return fail(Errc::invalid_input, "'--dir' and '--uds' must be absolute paths");
  }
  return line;
}

std::string help_text(std::string_view program) {
  return fmt::format(
      R"(Usage: {} [OPTIONS] [run|status]

Gets addresses for containers from DHCP servers and keeps them, as long as the containers live.

Commands:
  run     Serve netstack on the socket (default)
  status  Print the leases that are kept

Options:
  -d, --dir <DIR>                   Where leases and socket are [default: {}; as netavark: {}]
  -u, --uds <PATH>                  The socket [default: DIR/{}; as netavark: DIR/{}]
  -t, --timeout <SECONDS>           How long getting a lease may take [default: 8]
  -a, --activity-timeout <SECONDS>  End after so long without leases and callers; 0: never [default: 300]
      --format <table|json>         Of status [default: table]
  -h, --help                        Print this page
  -V, --version                     Print the version

Environment: NETAVARK_PROXY_RUN_DIR_ENV (DIR), LISTEN_FDS and LISTEN_PID (a socket that systemd passes),
RUST_LOG or BURROW_LOG (error, warn, info, debug).
)",
      program, kOwnPlace.directory, kNetavarkPlace.directory, kOwnPlace.socket_name,
      kNetavarkPlace.socket_name);
}

std::string version_text(std::string_view program) {
  if (program == kNetavarkName) {
    return fmt::format("netavark-dhcp-proxy {} (burrow-dhcp {})", kNetavarkVersion, BURROW_VERSION);
  }
  return fmt::format("burrow-dhcp {}", BURROW_VERSION);
}

std::string_view base_name(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == path.npos ? path : path.substr(slash + 1);
}

}  // namespace burrow::dhcp
