#include "engine/cli.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "core/log.h"
#include "engine/lifecycle.h"
#include "engine/supervisor.h"

namespace burrow::engine {
namespace {

constexpr auto kAbout =
    "burrow runs containers on networks of their own and shows how they are connected.\n"
    "\n"
    "  burrow network create demo\n"
    "  burrow run -d --name web --network demo -p 8080:80 -- busybox httpd -f -p 80 -h /srv\n"
    "  burrow run --rm --network demo -- wget -qO- http://web/\n"
    "  burrow topology\n";

// "supervise DEFINITIONS RUN STATE ID": how the engine starts itself; not for people.
constexpr int kSuperviseArguments = 6;

int run_supervisor(char** argv) {
  const auto id = ContainerId::parse(argv[5]);
  if (!id) return kExitEngineError;
  const auto done = supervise({.definitions = argv[2], .run = argv[3], .state = argv[4]}, *id);
  return done ? 0 : kExitEngineError;
}

// Cuts `arguments` before the first "--" of `run` and `exec`. Yields what follows it.
std::optional<std::vector<std::string>> cut_at_dashes(std::vector<std::string>& arguments) {
  bool runs_a_command = false;
  for (size_t i = 0; i < arguments.size(); ++i) {
    runs_a_command |= arguments[i] == "run" || arguments[i] == "exec";
    if (arguments[i] != "--" || !runs_a_command) continue;
    std::vector<std::string> rest{arguments.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                                  arguments.end()};
    arguments.resize(i);
    return rest;
  }
  return std::nullopt;
}

}  // namespace

std::vector<std::string> Session::command_words(std::vector<std::string> remaining) const {
  if (!after_dashes) return remaining;
  // With words before them, the dashes are the command's own.
  if (!remaining.empty()) remaining.emplace_back("--");
  remaining.insert(remaining.end(), after_dashes->begin(), after_dashes->end());
  return remaining;
}

Directories Session::directories() const {
  if (root) return Directories::under(*root);
  const char* variable = std::getenv("BURROW_ROOT");
  if (variable != nullptr && *variable != '\0') return Directories::under(variable);
  return Directories::under(std::nullopt);
}

void show_error(Session& session, const Error& error, int exit_code) {
  fmt::print(stderr, "Error: {}\n", error.message);
  session.exit_code = exit_code;
}

void show_error(Session& session, const Error& error) {
  show_error(session, error, kExitEngineError);
}

void show(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

int run_command_line(int argc, char** argv) {
  log::set_threshold(log::Level::warn);
  if (argc == kSuperviseArguments && std::string_view{argv[1]} == "supervise") {
    return run_supervisor(argv);
  }
  Session session;
  std::vector<std::string> arguments{argv + 1, argv + argc};
  session.after_dashes = cut_at_dashes(arguments);
  CLI::App app{kAbout, "burrow"};
  app.add_option("--root", session.root,
                 "Keep everything below this directory (default: the system's directories, or "
                 "$BURROW_ROOT)")
      ->type_name("DIR");
  app.require_subcommand(1);
  add_run_command(app, session);
  add_container_commands(app, session);
  add_network_commands(app, session);
  add_topology_command(app, session);
  add_dns_commands(app, session);
  // The library's exceptions end here. Help is no error; the rest has the engine's exit code.
  try {
    // The library takes them last first.
    std::ranges::reverse(arguments);
    app.parse(arguments);
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    fmt::print(stderr, "Error: {}\nSee 'burrow --help', or --help after a command.\n",
               app.get_subcommands().empty() && !app.remaining().empty()
                   ? fmt::format("unknown command \"{}\"", app.remaining().front())
                   : error.what());
    return kExitEngineError;
  } catch (const std::exception& error) {
    fmt::print(stderr, "Error: {}\n", error.what());
    return kExitEngineError;
  }
  return session.exit_code;
}

}  // namespace burrow::engine
