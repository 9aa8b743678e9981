#include "dns/command_line.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace burrow::dns {
namespace {

constexpr std::string_view kAardvark = "aardvark-dns";
constexpr std::string_view kAardvarkVersion = "2.0.0";
constexpr std::string_view kVersion = BURROW_VERSION;

struct OptionName {
  char letter;
  std::string_view word;
};
constexpr OptionName kConfig{'c', "config"};
constexpr OptionName kPort{'p', "port"};
constexpr OptionName kSearchDomain{'f', "filter-search-domain"};
constexpr OptionName kCompat{'\0', "compat"};
constexpr OptionName kCache{'\0', "cache"};
// A gibibyte: more than any host asks for.
constexpr size_t kLargestCacheKib = size_t{1} << 20U;
constexpr OptionName kMetrics{'\0', "metrics"};

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
  // "--word V". Nothing when it is another option.
  Result<std::optional<std::string_view>> value_of(std::string_view word, OptionName name) {
    std::optional<std::string_view> value;
    if (word.starts_with("--")) {
      const auto equals = word.find('=');
      if (word.substr(2, equals - 2) != name.word) return std::optional<std::string_view>{};
      if (equals != word.npos) value = word.substr(equals + 1);
    } else {
      if (name.letter == '\0' || word[1] != name.letter) return std::optional<std::string_view>{};
      if (word.size() > 2) value = word.substr(word[2] == '=' ? 3 : 2);
    }
    if (!value) value = next();
    if (!value) {
      return fail(Errc::invalid_input, "a value is required for '--{}' but none was supplied",
                  name.word);
    }
    return value;
  }

 private:
  std::span<const char* const> rest_;
};

Result<uint16_t> parse_port(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size()) {
    return fail(Errc::invalid_input, "invalid value '{}' for '--port': not in 0..=65535",
                text.substr(0, 32));
  }
  return port;
}

Result<size_t> parse_cache_size(std::string_view text) {
  size_t kib = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), kib);
  if (error != std::errc{} || end != text.data() + text.size() || kib > kLargestCacheKib) {
    return fail(Errc::invalid_input, "invalid value '{}' for '--cache': not in 0..={}",
                text.substr(0, 32), kLargestCacheKib);
  }
  return kib;
}

// "127.0.0.1:9153" or "[::1]:9153"; metrics are for the host alone.
Result<Endpoint> parse_endpoint(std::string_view text) {
  const auto colon = text.rfind(':');
  auto host = text.substr(0, std::min(colon, text.size()));
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const auto address = IpAddress::parse(host);
  if (colon == text.npos || !address || !address->is_loopback()) {
    return fail(Errc::invalid_input,
                "invalid value '{}' for '--metrics': a loopback address and a port",
                text.substr(0, 64));
  }
  const auto port = TRY(parse_port(text.substr(colon + 1)));
  return Endpoint{*address, port};
}

Result<void> parse_option(std::string_view word, Reader& reader, CommandLine& line) {
  if (const auto value = TRY(reader.value_of(word, kConfig))) {
    line.config_directory = *value;
  } else if (const auto port = TRY(reader.value_of(word, kPort))) {
    line.port = TRY(parse_port(*port));
  } else if (const auto domain = TRY(reader.value_of(word, kSearchDomain))) {
    line.search_domain = *domain;
  } else if (const auto cache = TRY(reader.value_of(word, kCache))) {
    line.cache_kib = TRY(parse_cache_size(*cache));
  } else if (const auto compat = TRY(reader.value_of(word, kCompat))) {
    if (*compat == "aardvark") {
      line.compatibility = Compatibility::aardvark;
    } else if (*compat == "none") {
      line.compatibility = Compatibility::none;
    } else {
      return fail(Errc::invalid_input, "invalid value '{}' for '--compat': aardvark or none",
                  compat->substr(0, 32));
    }
  } else if (const auto metrics = TRY(reader.value_of(word, kMetrics))) {
    line.metrics = TRY(parse_endpoint(*metrics));
  } else {
    return fail(Errc::invalid_input, "unexpected argument '{}' found", word.substr(0, 64));
  }
  return {};
}

}  // namespace

Result<CommandLine> parse_command_line(std::span<const char* const> arguments) {
  CommandLine line;
  if (!arguments.empty() && base_name(arguments[0]) == kAardvark) {
    line.compatibility = Compatibility::aardvark;
  }
  Reader reader{arguments.empty() ? arguments : arguments.subspan(1)};
  while (const auto word = reader.next()) {
    if (*word == "-h" || *word == "--help" || *word == "help") {
      line.subcommand = Subcommand::print_help;
      return line;
    }
    if (*word == "-V" || *word == "--version") {
      line.subcommand = Subcommand::print_version;
      return line;
    }
    if (word->size() > 1 && word->starts_with('-')) {
      TRY_VOID(parse_option(*word, reader, line));
      continue;
    }
    if (*word == "run") {
      line.subcommand = Subcommand::run;
    } else if (*word == "version") {
      line.subcommand = Subcommand::print_version_document;
    } else {
      return fail(Errc::invalid_input, "unrecognized subcommand '{}'", word->substr(0, 64));
    }
    if (const auto more = reader.next()) {
      if (*more == "-h" || *more == "--help") {
        line.subcommand = Subcommand::print_help;
      } else {
        return fail(Errc::invalid_input, "unexpected argument '{}' found", more->substr(0, 64));
      }
    }
    return line;
  }
  return fail(Errc::invalid_input, "'run', 'version' or 'help' is required but was not provided");
}

std::string help_text(std::string_view program) {
  return fmt::format(
      R"(Usage: {} [OPTIONS] <COMMAND>

Answers the names of containers on the gateway addresses of their networks.

Commands:
  run      Serve the networks of the configuration directory
  version  Print the version as a JSON document
  help     Print this page

Options:
  -c, --config <DIR>                   Configuration directory, one file per network
  -p, --port <PORT>                    Port to listen on [default: 5533]
  -f, --filter-search-domain <DOMAIN>  Names answer below it too [default: .dns.podman]
      --cache <KIB>                    Memory for answers of upstreams, 0: none [default: 4096]
      --compat <aardvark|none>         Keep the habits of aardvark-dns where ours differ
      --metrics <ADDRESS:PORT>         Serve metrics for Prometheus at a loopback address
  -h, --help                           Print this page
  -V, --version                        Print the version
)",
      program);
}

std::string version_text(Compatibility compatibility) {
  if (compatibility == Compatibility::aardvark) {
    return fmt::format("{} {} (burrow-dns {})\n", kAardvark, kAardvarkVersion, kVersion);
  }
  return fmt::format("burrow-dns {}\n", kVersion);
}

std::string version_document(Compatibility compatibility) {
  const bool is_aardvark = compatibility == Compatibility::aardvark;
  return fmt::format(
      "{{\n  \"version\": \"{}\",\n  \"commit\": \"\",\n  \"build_time\": \"{}\",\n"
      "  \"target\": \"{}-unknown-linux-gnu\"\n}}\n",
      is_aardvark ? kAardvarkVersion : kVersion, BURROW_BUILD_TIME, BURROW_PROCESSOR);
}

std::string_view base_name(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == path.npos ? path : path.substr(slash + 1);
}

}  // namespace burrow::dns
