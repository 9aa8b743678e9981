// `burrow ps, inspect, exec, stop, rm, port, logs`.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <memory>

#include "engine/cli.h"
#include "engine/container_root.h"
#include "engine/containers.h"
#include "engine/describe.h"
#include "engine/lifecycle.h"
#include "engine/runtime.h"
#include "host/file.h"

namespace burrow::engine {
namespace {

constexpr int kExitNoContainer = 1;
constexpr int kExitRunning = 2;
constexpr int kDefaultPatience = 10;  // seconds, as Podman's

void add_ps(CLI::App& app, Session& session) {
  struct Options {
    bool all = false;
    bool ids_only = false;
    std::string format;
  };
  auto* command = app.add_subcommand("ps", "List containers");
  auto options = std::make_shared<Options>();
  command->add_flag("-a,--all", options->all, "Those that ended as well");
  command->add_flag("-q,--quiet", options->ids_only, "IDs only");
  command->add_option("--format", options->format, "table or json")
      ->check(CLI::IsMember({"table", "json"}));
  command->callback([options, &session] {
    with_engine(session, [&](Engine& engine) -> Result<void> {
      auto containers = TRY(engine.store.containers());
      if (!options->all) {
        std::erase_if(containers, [](const Container& container) {
          return container.state != ContainerState::running;
        });
      }
      if (options->format == "json") {
        show(summarize(containers, now()).dump(2) + "\n");
      } else if (options->ids_only) {
        for (const auto& container : containers) show(short_id(container.id) + "\n");
      } else {
        show(render_containers(containers, now()));
      }
      return {};
    });
  });
}

void add_inspect(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("inspect", "Show containers as JSON");
  auto names = std::make_shared<std::vector<std::string>>();
  command->add_option("CONTAINER", *names, "Names or IDs")->required();
  command->callback([names, &session] {
    with_engine(session, [&](Engine& engine) -> Result<void> {
      Json all = Json::array();
      for (const auto& name : *names) {
        const auto container = engine.store.get(name);
        if (!container) {
          show_error(session, container.error());
          continue;
        }
        const auto networks =
            networks_of(engine, *container).value_or(std::vector<netstack::Network>{});
        all.push_back(inspect(*container, networks, engine.directories));
      }
      show(all.dump(5) + "\n");
      return {};
    });
  });
}

struct ExecOptions {
  std::string container;
  std::vector<std::string> environment;
  bool terminal = false;
  bool detach = false;
  bool interactive = false;
};

std::vector<std::string> runtime_options(const ExecOptions& options) {
  std::vector<std::string> words;
  if (options.terminal) words.emplace_back("--tty");
  if (options.detach) words.emplace_back("--detach");
  for (const auto& entry : options.environment) {
    words.emplace_back("--env");
    words.push_back(entry);
  }
  return words;
}

// Replaces this program; returns on failure alone.
Error exec(Session& session, const ExecOptions& options, std::vector<std::string> words) {
  auto engine = Engine::open(session.directories());
  session.exit_code = kExitEngineError;
  if (!engine) return engine.error();
  const auto container = engine->store.get(options.container);
  if (!container) return container.error();
  if (container->state != ContainerState::running || !container->process) {
    return {Errc::invalid_input,
            fmt::format("container {} is not running: start it first", container->name)};
  }
  if (words.empty()) return {Errc::invalid_input, "no command given"};
  const auto root = fmt::format("/proc/{}/root", container->process->pid);
  if (const auto found = check_command(root, words.front(), path_of(*container)); !found) {
    session.exit_code = found.error().code == Errc::not_found ? kExitNotFound : kExitCannotRun;
    return found.error();
  }
  const auto runtime = Runtime::find(engine->directories);
  if (!runtime) return runtime.error();
  return runtime->exec(container->id, runtime_options(options), words);
}

void add_exec(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("exec", "Run a command in a running container");
  auto options = std::make_shared<ExecOptions>();
  command->add_option("CONTAINER", options->container, "Name or ID")->required();
  command->add_option("-e,--env", options->environment, "NAME=VALUE")->allow_extra_args(false);
  command->add_flag("-t,--tty", options->terminal, "With a terminal");
  command->add_flag("-i,--interactive", options->interactive,
                    "Pass standard input on (always so; for compatibility)");
  command->add_flag("-d,--detach", options->detach, "Leave it running");
  command->prefix_command();
  command->callback([options, command, &session] {
    const auto error = exec(session, *options, session.command_words(command->remaining()));
    show_error(session, error, session.exit_code);
  });
}

void add_stop(CLI::App& app, Session& session) {
  struct Options {
    std::vector<std::string> names;
    int patience = kDefaultPatience;
  };
  auto* command = app.add_subcommand("stop", "Stop containers");
  auto options = std::make_shared<Options>();
  command->add_option("CONTAINER", options->names, "Names or IDs")->required();
  command->add_option("-t,--time", options->patience, "Seconds before it is killed")
      ->check(CLI::Range(0, 86400))
      ->capture_default_str();
  command->callback([options, &session] {
    with_engine(session, [&](Engine& engine) -> Result<void> {
      for (const auto& name : options->names) {
        const auto stopped = stop_container(engine, name, std::chrono::seconds{options->patience});
        if (stopped) {
          show(name + "\n");
        } else {
          show_error(session, stopped.error());
        }
      }
      return {};
    });
  });
}

int removal_exit_code(const Error& error) {
  switch (error.code) {
    case Errc::not_found:
      return kExitNoContainer;
    case Errc::already_exists:
      return kExitRunning;
    default:
      return kExitEngineError;
  }
}

void add_rm(CLI::App& app, Session& session) {
  struct Options {
    std::vector<std::string> names;
    bool all = false;
    bool force = false;
  };
  auto* command = app.add_subcommand("rm", "Remove containers");
  auto options = std::make_shared<Options>();
  command->add_option("CONTAINER", options->names, "Names or IDs");
  command->add_flag("-a,--all", options->all, "All of them");
  command->add_flag("-f,--force", options->force,
                    "Running ones as well; a missing container is fine");
  command->footer("Exit code: 1 when a container does not exist, 2 when one is running.");
  command->callback([options, &session] {
    with_engine(session, [&](Engine& engine) -> Result<void> {
      auto names = options->names;
      if (options->all) {
        for (const auto& one : TRY(engine.store.containers())) names.push_back(one.id.str());
      } else if (names.empty()) {
        return fail(Errc::invalid_input, "no container given: name some, or say --all");
      }
      const auto running = options->force ? RemoveRunning::yes : RemoveRunning::no;
      for (const auto& name : names) {
        const auto removed = remove_existing(engine, name, running);
        if (removed) {
          show(name + "\n");
        } else if (!(options->force && removed.error().code == Errc::not_found)) {
          show_error(session, removed.error(), removal_exit_code(removed.error()));
        }
      }
      return {};
    });
  });
}

Result<void> show_port(const Container& container, const std::string& text) {
  const auto slash = text.find('/');
  const auto protocol = slash == std::string::npos
                            ? Protocol::tcp
                            : TRY(parse_protocol(std::string_view{text}.substr(slash + 1)));
  uint16_t port = 0;
  const auto digits = std::string_view{text}.substr(0, slash);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc{} || end != digits.data() + digits.size()) {
    return fail(Errc::invalid_input, "invalid port \"{}\"", text);
  }
  const auto found = find_port(container.ports, port, protocol);
  if (found.empty()) {
    return fail(Errc::not_found, "failed to find published port \"{}/{}\"", port,
                to_string(protocol));
  }
  for (const auto& line : found) show(line + "\n");
  return {};
}

void add_port(CLI::App& app, Session& session) {
  struct Options {
    std::string container;
    std::string port;
  };
  auto* command = app.add_subcommand("port", "Show the published ports of a container");
  auto options = std::make_shared<Options>();
  command->add_option("CONTAINER", options->container, "Name or ID")->required();
  command->add_option("PORT", options->port, "Only this one: PORT[/PROTOCOL]");
  command->callback([options, &session] {
    with_engine(session, [&](Engine& engine) -> Result<void> {
      const auto container = TRY(engine.store.get(options->container));
      if (!options->port.empty()) return show_port(container, options->port);
      for (const auto& line : list_ports(container.ports)) show(line + "\n");
      return {};
    });
  });
}

void add_logs(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("logs", "Show what a detached container wrote");
  auto name = std::make_shared<std::string>();
  command->add_option("CONTAINER", *name, "Name or ID")->required();
  command->callback([name, &session] {
    with_engine(session, [&](Engine& engine) -> Result<void> {
      const auto container = TRY(engine.store.get(*name));
      const auto log = engine.directories.log(container.id);
      show(TRY(host::read_file_if_exists(log)).value_or(""));
      return {};
    });
  });
}

}  // namespace

void add_container_commands(CLI::App& app, Session& session) {
  add_ps(app, session);
  add_inspect(app, session);
  add_exec(app, session);
  add_stop(app, session);
  add_rm(app, session);
  add_port(app, session);
  add_logs(app, session);
}

}  // namespace burrow::engine
