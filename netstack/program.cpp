#include "netstack/program.h"

#include <malloc.h>

#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "core/json.h"
#include "core/log.h"
#include "firewall/neighbours.h"
#include "host/file.h"
#include "netstack/bridge_options.h"
#include "netstack/command_line.h"
#include "netstack/commands.h"
#include "netstack/create_command.h"
#include "netstack/dhcp_proxy.h"
#include "netstack/doctor_command.h"
#include "netstack/dry_run_command.h"
#include "netstack/firewall_view.h"
#include "netstack/firewalld_driver.h"
#include "netstack/repair.h"
#include "netstack/trace.h"
#include "netstack/watch.h"

namespace burrow::netstack {
namespace {

constexpr std::string_view kDefaultRunDirectory = "/run/containers/networks";
constexpr uint16_t kUsualDnsPort = 53;
constexpr const char* kDefaultDnsBinary = "/usr/libexec/podman/aardvark-dns";
// An engine reads our answer only when we have ended: it must fit into a pipe, escapes included.
constexpr size_t kLongestError = 8192;
constexpr size_t kLargestRequest = 16U << 20U;
constexpr std::string_view kLoadingOptions = "failed to load network options";
constexpr uint32_t kLongestPluginRun = 3600;

// Names from hostile requests and of others may hold bytes that are no UTF-8.
std::string json_text(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::optional<std::string> variable(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): before any thread
  if (value == nullptr) return std::nullopt;
  return value;
}

void set_log_threshold(Subcommand subcommand) {
  // A service says what it does; a command that works says nothing.
  auto level = subcommand == Subcommand::watch ? log::Level::info : log::Level::error;
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
  if (*word == "firewalld") return FirewallDriver::firewalld;
  return fail(Errc::invalid_input,
              "invalid firewall driver \"{}\": must be nftables, firewalld or none",
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

Result<firewall::Publishing> publishing() {
  const auto word = variable("BURROW_PUBLISH");
  if (!word) return firewall::Publishing::open;
  const auto parsed = read_publishing(*word);
  if (!parsed) {
    return fail(Errc::invalid_input, "invalid BURROW_PUBLISH \"{}\": must be open or host-firewall",
                word->substr(0, 64));
  }
  return *parsed;
}

Result<firewall::OtherFirewalls> other_firewalls() {
  const auto word = variable("BURROW_OTHER_FIREWALLS");
  if (!word || *word == "leave") return firewall::OtherFirewalls::leave;
  if (*word == "accept") return firewall::OtherFirewalls::accept;
  return fail(Errc::invalid_input, "invalid BURROW_OTHER_FIREWALLS \"{}\": must be leave or accept",
              word->substr(0, 64));
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

bool is_reload(Subcommand subcommand) {
  return subcommand == Subcommand::firewall_reload || subcommand == Subcommand::firewalld_reload;
}

// People who repair know no engine: for them there is a default.
Result<std::string> run_directory(const CommandLine& line) {
  if (line.run_directory && !line.run_directory->empty()) return *line.run_directory;
  if (line.subcommand == Subcommand::repair) return std::string{kDefaultRunDirectory};
  return fail(Errc::invalid_input, "no run directory: --config is required");
}

Result<Surroundings> surroundings(const CommandLine& line) {
  // What was set up without a firewall has nothing in it on record.
  const bool follows_records = is_reload(line.subcommand) || line.subcommand == Subcommand::repair;
  Surroundings result;
  if (!follows_records) result.firewall = TRY(firewall_driver(line));
  result.publishing = TRY(publishing());
  result.other_firewalls = TRY(other_firewalls());
  result.plugins = TRY(plugin_settings(line));
  const auto port = TRY(dns_port());
  result.run_directory = std::filesystem::absolute(TRY(run_directory(line)));
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

// What a command prints, and the status that it ends with.
struct Output {
  std::string text;
  int exit_code = 0;
};

Result<std::string> run_setup(const CommandLine& line) {
  // A wrong namespace is an error before anything is read or waited for.
  auto netns = TRY(host::NetNs::open(line.netns));
  const auto known = TRY(surroundings(line));
  return setup(std::move(netns), line.netns, TRY(read_request(line, kLoadingOptions)), known);
}

Result<std::string> run_teardown(const CommandLine& line) {
  // An engine that is interrupted must not leave a half of the network behind.
  std::signal(SIGTERM, SIG_IGN);
  std::signal(SIGINT, SIG_IGN);
  const auto known = TRY(surroundings(line));
  // A request that cannot be read is no reason to leave anything that is on record.
  TRY_VOID(teardown(line.netns, read_request(line, kLoadingOptions), known));
  return std::string{};
}

// Units and people who look at the firewall know no engine: without --config all of them are meant.
std::vector<std::filesystem::path> run_directories(const CommandLine& line) {
  if (line.run_directory && !line.run_directory->empty()) return {*line.run_directory};
  return usual_run_directories();
}

Result<std::vector<Surroundings>> engines(const CommandLine& line) {
  std::vector<Surroundings> all;
  for (const auto& directory : run_directories(line)) {
    auto one = line;
    one.run_directory = directory;
    all.push_back(TRY(surroundings(one)));
  }
  return all;
}

// As text for people or as JSON for programs, without the last line's end.
template <typename Value>
std::string printed(const Value& value, Format format) {
  auto text = format == Format::json ? json_text(encode(value)) : to_text(value);
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

Result<Output> run_doctor(const CommandLine& line) {
  const auto facts = examine_host(line.dns_binary.value_or(kDefaultDnsBinary),
                                  TRY(dns_port()).value_or(kUsualDnsPort));
  const auto findings = diagnose(facts);
  return Output{printed(findings, line.format), is_healthy(findings) ? 0 : 1};
}

Result<void> run_watch(const CommandLine& line) {
  std::vector<std::filesystem::path> directories;
  for (const auto& path : line.watched) directories.push_back(std::filesystem::absolute(path));
  if (line.run_directory && !line.run_directory->empty()) {
    directories.push_back(std::filesystem::absolute(*line.run_directory));
  }
  if (directories.empty()) directories = usual_run_directories();
  return watch(directories);
}

Result<Output> run_repair(const CommandLine& line) {
  const auto report = TRY(
      repair(TRY(surroundings(line)), line.is_dry_run ? RepairMode::look_only : RepairMode::mend));
  return Output{printed(report, line.format), report.is_well() ? 0 : 1};
}

Result<Output> run_firewall_show(const CommandLine& line) {
  auto nftables = TRY(firewall::Nftables::open());
  auto view = view_of(TRY(nftables.observe()), TRY(nftables.elements()),
                      TRY(elements_in_firewalld(run_directories(line))));
  add_accepts(TRY(firewall::look_at_neighbours()), view);
  for (const auto& directory : run_directories(line)) {
    add_names(names_in_lists(directory / "aardvark-dns"), view);
  }
  if (line.has_counters) {
    const auto traffic = parse_traffic(TRY(host::read_file("/proc/net/dev")));
    for (auto& network : view.networks) {
      if (const auto one = traffic.find(network.bridge); one != traffic.end()) {
        network.traffic = one->second;
      }
    }
    enter_traffic(TRY(firewall::led_traffic()), view);
  }
  return Output{printed(view, line.format)};
}

Result<void> run_trace(const CommandLine& line) {
  const auto flow = TRY(parse_flow(line.from, line.to, line.protocol));
  return trace(flow, line.packets, [](const std::string& text) {
    std::fputs(text.c_str(), stdout);
    std::fflush(stdout);
  });
}

Result<Output> run_plan(const CommandLine& line) {
  if (line.planned == Subcommand::teardown) {
    const auto known = TRY(surroundings(line));
    const auto request = read_request(line, kLoadingOptions);
    return Output{printed(TRY(foresee_teardown(line.netns, request, known)), line.format)};
  }
  auto netns = TRY(host::NetNs::open(line.netns));
  const auto known = TRY(surroundings(line));
  const auto request = TRY(read_request(line, kLoadingOptions));
  return Output{
      printed(TRY(foresee_setup(std::move(netns), line.netns, request, known)), line.format)};
}

Result<Output> run(const CommandLine& line, CalledAs called_as) {
  switch (line.subcommand) {
    case Subcommand::setup:
      return Output{TRY(run_setup(line))};
    case Subcommand::teardown:
      return Output{TRY(run_teardown(line))};
    case Subcommand::create: {
      const auto plugins = TRY(plugin_settings(line));
      return Output{TRY(create(TRY(read_request(line, "failed to load network create")), plugins))};
    }
    case Subcommand::update:
      TRY_VOID(update(line.network, line.dns_servers.value_or(""), TRY(surroundings(line))));
      return Output{};
    case Subcommand::limit:
      TRY_VOID(limit(line.network, line.container, line.limits, TRY(surroundings(line))));
      return Output{};
    case Subcommand::firewall_reload:
      TRY_VOID(firewall_reload(TRY(engines(line))));
      return Output{};
    case Subcommand::watch:
      TRY_VOID(run_watch(line));
      return Output{};
    case Subcommand::repair:
      return run_repair(line);
    case Subcommand::firewall:
      return run_firewall_show(line);
    case Subcommand::trace:
      TRY_VOID(run_trace(line));
      return Output{};
    case Subcommand::firewalld_reload:
      TRY_VOID(firewalld_reload(TRY(engines(line))));
      return Output{};
    case Subcommand::plan:
      return run_plan(line);
    case Subcommand::doctor:
      return run_doctor(line);
    case Subcommand::dhcp_proxy:
      return become_dhcp_proxy(line.rest, called_as);
    case Subcommand::version:
      return Output{version_document(called_as)};
  }
  return Output{};
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
  set_log_threshold(line->subcommand);
  const auto answer = run(*line, called);
  if (!answer) {
    auto message = answer.error().message;
    if (message.size() > kLongestError) message.replace(kLongestError, message.npos, "...");
    std::puts(json_text({{"error", message}}).c_str());
    return 1;
  }
  if (!answer->text.empty()) std::puts(answer->text.c_str());
  return std::fflush(stdout) == 0 ? answer->exit_code : 1;
}

}  // namespace burrow::netstack
