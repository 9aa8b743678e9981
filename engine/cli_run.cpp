// `burrow run` and `burrow start`.

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <memory>

#include "core/json.h"
#include "engine/cli.h"
#include "engine/containers.h"
#include "engine/lifecycle.h"
#include "engine/port_grammar.h"
#include "engine/run_front.h"

namespace burrow::engine {
namespace {

struct RunOptions {
  NewContainer wanted;
  std::string name;
  std::string hostname;
  std::vector<std::string> networks;
  std::vector<std::string> ports;
  std::vector<std::string> environment;
  std::vector<std::string> dns_servers;
  std::vector<std::string> hosts;
};

// Documents hold Unicode alone, and the runtime reads documents.
Result<void> check_unicode(const std::vector<std::string>& texts, std::string_view what) {
  for (const auto& text : texts) {
    if (text.find('\0') != std::string::npos) return fail(Errc::invalid_input, "{}: NUL", what);
    const auto shown = Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
    if (parse_json(shown)->get<std::string>() != text) {
      return fail(Errc::invalid_input, "{} is not UTF-8: {}", what, shown.substr(0, 128));
    }
  }
  return {};
}

Result<std::vector<std::string>> command_of(std::vector<std::string> words) {
  if (!words.empty() && words.front().starts_with('-')) {
    return fail(Errc::invalid_input, "unknown option {}: see 'burrow run --help'", words.front());
  }
  if (words.empty()) {
    return fail(Errc::invalid_input, "no command given: burrow run [options] [--] COMMAND...");
  }
  TRY_VOID(check_unicode(words, "command"));
  return words;
}

// "NAME" takes the value of our own environment, as people know it.
std::vector<std::string> complete_environment(const std::vector<std::string>& entries) {
  std::vector<std::string> complete;
  for (const auto& entry : entries) {
    if (entry.find('=') != std::string::npos) {
      complete.push_back(entry);
    } else if (const char* value = std::getenv(entry.c_str())) {
      complete.push_back(fmt::format("{}={}", entry, value));
    }
  }
  return complete;
}

Result<NewContainer> decode(const RunOptions& options, std::vector<std::string> words) {
  auto wanted = options.wanted;
  wanted.spec.command = TRY(command_of(std::move(words)));
  if (!options.name.empty()) wanted.name = options.name;
  if (!options.hostname.empty()) wanted.hostname = options.hostname;
  if (!options.networks.empty()) {
    wanted.networks = TRY(parse_network_choices(options.networks));
  }
  wanted.spec.ports = TRY(parse_ports(options.ports));
  wanted.spec.environment = complete_environment(options.environment);
  TRY_VOID(check_unicode(wanted.spec.environment, "environment"));
  TRY_VOID(check_unicode({wanted.spec.rootfs}, "rootfs"));
  for (const auto& server : options.dns_servers) {
    wanted.spec.dns_servers.push_back(TRY(IpAddress::parse(server)));
  }
  for (const auto& entry : options.hosts) {
    wanted.spec.hosts.push_back(TRY(parse_host_entry(entry)));
  }
  TRY_VOID(check_unicode(options.hosts, "host entry"));
  return wanted;
}

void add_run_options(CLI::App& command, RunOptions& options) {
  auto& spec = options.wanted.spec;
  command.add_flag("-d,--detach", spec.is_detached, "Print the ID and leave it running");
  command.add_flag("--rm", spec.removes_itself, "Remove the container when it ends");
  command.add_flag("-i,--interactive", spec.reads_stdin, "Pass standard input on");
  command.add_option("--name", options.name, "Name; also its DNS name");
  command.add_option("--hostname", options.hostname, "Host name (default: its short ID)");
  command.add_option("--network", options.networks,
                     "Network to join: NAME[:ip=A,ip6=A,mac=M,alias=N,interface_name=I], or none; "
                     "may repeat (default: burrow)");
  command.add_option("-p,--publish", options.ports,
                     "Publish a port: [[IP:][HOST]:]CONTAINER[/tcp|udp|sctp], also ranges; without "
                     "a host port a free one is found");
  command.add_option("-e,--env", options.environment, "NAME=VALUE, or NAME to pass on");
  command.add_option("--dns", options.dns_servers, "DNS server to ask");
  command.add_option("--add-host", options.hosts, "Line for /etc/hosts: NAME:ADDRESS");
  command.add_option("--rootfs", spec.rootfs, "Directory to see as root; it is never written to")
      ->capture_default_str();
  for (auto* option : command.get_options()) {
    if (option->get_items_expected_max() > 1) option->allow_extra_args(false);
  }
}

void show_outcome(Session& session, const Result<RunOutcome>& outcome, const ContainerId& id,
                  bool is_detached) {
  if (!outcome) return show_error(session, outcome.error());
  session.exit_code = outcome->exit_code;
  if (!outcome->error.empty()) {
    return show_error(session, {Errc::system, outcome->error}, outcome->exit_code);
  }
  if (is_detached) show(id.str() + "\n");
}

void run(Session& session, const RunOptions& options, std::vector<std::string> words) {
  with_engine(session, [&](Engine& engine) -> Result<void> {
    const auto wanted = TRY(decode(options, std::move(words)));
    auto [id, name, lock] = TRY(create_container(engine, wanted));
    const auto outcome = run_in_front(engine.directories, id, wanted.spec, std::move(lock));
    show_outcome(session, outcome, id, wanted.spec.is_detached);
    return {};
  });
}

void start(Session& session, const std::string& text) {
  with_engine(session, [&](Engine& engine) -> Result<void> {
    const auto container = TRY(engine.store.get(text));
    auto lock =
        TRY(ContainerLock::try_acquire(engine.directories, container.id, LockKind::supervision));
    if (!lock || container.state == ContainerState::running) {
      return fail(Errc::already_exists, "container {} is running already", container.name);
    }
    auto spec = container.spec;
    spec.is_detached = true;
    const auto outcome = run_in_front(engine.directories, container.id, spec, *std::move(lock));
    if (outcome && outcome->error.empty()) {
      show(text + "\n");
    } else {
      show_outcome(session, outcome, container.id, true);
    }
    return {};
  });
}

}  // namespace

void add_run_command(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("run", "Run a command in a new container");
  auto options = std::make_shared<RunOptions>();
  add_run_options(*command, *options);
  command->prefix_command();
  command->footer(
      "The container sees the host's files (or --rootfs) and writes to a layer of its own.\n"
      "Exit code: the command's own; 125 when burrow failed, 126 when the command cannot be run\n"
      "or a port is taken, 127 when the command is not there.\n"
      "\n"
      "  burrow run --rm -- cat /etc/resolv.conf\n"
      "  burrow run -d --name db --network back:ip=10.89.1.5,alias=database -- postgres");
  command->callback([options, command, &session] {
    run(session, *options, session.command_words(command->remaining()));
  });

  auto* again = app.add_subcommand("start", "Start a container again that has ended");
  auto name = std::make_shared<std::string>();
  again->add_option("CONTAINER", *name, "Name or ID")->required();
  again->callback([name, &session] { start(session, *name); });
}

}  // namespace burrow::engine
