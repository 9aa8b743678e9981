#include "netstack/program.h"

#include <malloc.h>

#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "core/json.h"
#include "core/log.h"
#include "host/file.h"
#include "netstack/command_line.h"
#include "netstack/commands.h"
#include "netstack/create_command.h"
#include "netstack/dhcp_proxy.h"

namespace burrow::netstack {
namespace {

constexpr const char* kDefaultDnsBinary = "/usr/libexec/podman/aardvark-dns";
// An engine reads our answer only when we have ended: it must fit into a pipe, escapes included.
constexpr size_t kLongestError = 8192;
constexpr size_t kLargestRequest = 16U << 20U;
constexpr std::string_view kLoadingOptions = "failed to load network options";
constexpr uint32_t kLongestPluginRun = 3600;

std::optional<std::string> variable(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): before any thread
  if (value == nullptr) return std::nullopt;
  return value;
}

void set_log_threshold() {
  auto level = log::Level::error;
  for (const auto* name : {"RUST_LOG", "BURROW_LOG"}) {
    if (const auto text = variable(name)) level = log::parse_level(*text, level);
  }
  log::set_threshold(level);
}

Result<FirewallDriver> firewall_driver(const CommandLine& line) {
  auto word = line.firewall_driver ? line.firewall_driver : variable("NETAVARK_FW");
  if (!word) return FirewallDriver::nftables;
  for (auto& c : *word) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  if (*word == "nftables") return FirewallDriver::nftables;
  if (*word == "none") return FirewallDriver::none;
  if (*word == "firewalld") {
    return fail(Errc::unsupported,
                "firewall driver \"firewalld\" is not supported: use nftables, "
                "whose table firewalld leaves alone");
  }
  return fail(Errc::invalid_input, "invalid firewall driver \"{}\": must be nftables or none",
              word->substr(0, 64));
}

Result<std::optional<uint16_t>> dns_port() {
  const auto text = variable("NETAVARK_DNS_PORT");
  if (!text) return std::nullopt;
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), port);
  if (error != std::errc{} || end != text->data() + text->size() || port == 0) {
    return fail(Errc::invalid_input, "invalid NETAVARK_DNS_PORT \"{}\": must be a port number",
                text->substr(0, 64));
  }
  return port;
}

Result<PluginSettings> plugin_settings(const CommandLine& line) {
  PluginSettings settings;
  for (const auto& directory : line.plugin_directories) {
    settings.directories.push_back(std::filesystem::absolute(directory));
  }
  const auto text = line.plugin_timeout ? line.plugin_timeout : variable("BURROW_PLUGIN_TIMEOUT");
  if (!text) return settings;
  uint32_t seconds = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), seconds);
  if (error != std::errc{} || end != text->data() + text->size() || seconds == 0 ||
      seconds > kLongestPluginRun) {
    return fail(Errc::invalid_input,
                "invalid time limit of plugins \"{}\": must be 1 to {} seconds",
                text->substr(0, 64), kLongestPluginRun);
  }
  settings.time_limit = std::chrono::seconds{seconds};
  return settings;
}

Result<Surroundings> surroundings(const CommandLine& line) {
  Surroundings result{.firewall = TRY(firewall_driver(line)),
                      .plugins = TRY(plugin_settings(line))};
  const auto port = TRY(dns_port());
  if (!line.run_directory || line.run_directory->empty()) {
    return fail(Errc::invalid_input, "no run directory: --config is required");
  }
  result.run_directory = std::filesystem::absolute(*line.run_directory);
  result.dns = {.binary = line.dns_binary.value_or(kDefaultDnsBinary),
                .directory = result.run_directory / "aardvark-dns",
                .lock = result.run_directory / "aardvark.lock",
                .scratch = result.run_directory / "burrow" / "scratch",
                .port = port,
                .rootless = line.is_rootless ? Rootless::yes : Rootless::no};
  return result;
}

Result<std::string> read_request(const CommandLine& line, std::string_view purpose) {
  auto text = line.file ? host::read_file(*line.file, kLargestRequest)
                        : host::read_all(STDIN_FILENO, kLargestRequest);
  if (!text) return with_context(std::move(text).error(), purpose);
  return text;
}

Result<std::string> run(const CommandLine& line, CalledAs called_as) {
  if (line.subcommand == Subcommand::version) return version_document(called_as);
  if (line.subcommand == Subcommand::dhcp_proxy) return become_dhcp_proxy(line.rest, called_as);
  if (line.subcommand == Subcommand::create) {
    return create(TRY(read_request(line, "failed to load network create")),
                  TRY(plugin_settings(line)));
  }
  if (line.subcommand == Subcommand::teardown) {
    // An engine that is interrupted must not leave a half of the network behind.
    std::signal(SIGTERM, SIG_IGN);
    std::signal(SIGINT, SIG_IGN);
  }
  if (line.subcommand == Subcommand::setup) {
    // A wrong namespace is an error before anything is read or waited for.
    auto netns = TRY(host::NetNs::open(line.netns));
    const auto known = TRY(surroundings(line));
    return setup(std::move(netns), line.netns, TRY(read_request(line, kLoadingOptions)), known);
  }
  const auto known = TRY(surroundings(line));
  // A request that cannot be read is no reason to leave anything that is on record.
  TRY_VOID(teardown(line.netns, read_request(line, kLoadingOptions), known));
  return std::string{};
}

}  // namespace

int run_program(const std::string& argv0, const std::vector<std::string>& arguments) {
  // One heap for all threads: an arena for the one in the container's namespace is mapped for long.
  ::mallopt(M_ARENA_MAX, 1);
  const auto called = called_as(argv0);
  const auto line = parse_command_line(arguments, called);
  if (!line) {
    std::fputs(line.error().text.c_str(), line.error().exit_code == 0 ? stdout : stderr);
    return line.error().exit_code;
  }
  set_log_threshold();
  const auto answer = run(*line, called);
  if (!answer) {
    // Names from hostile requests may hold bytes that are no UTF-8.
    auto message = answer.error().message;
    if (message.size() > kLongestError) message.replace(kLongestError, message.npos, "...");
    const Json error{{"error", message}};
    std::puts(error.dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
    return 1;
  }
  if (!answer->empty()) std::puts(answer->c_str());
  return std::fflush(stdout) == 0 ? 0 : 1;
}

}  // namespace burrow::netstack
