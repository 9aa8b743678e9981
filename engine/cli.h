// The command line: one file per group of commands. This header is what they share.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"

namespace CLI {
class App;
}

namespace burrow::engine {

/// One run of the program: where the engine is, and how the program will end.
struct Session {
  std::optional<std::string> root;
  /// What follows the first "--" of a command that runs another: nobody else's business.
  std::optional<std::vector<std::string>> after_dashes;
  int exit_code = 0;

  /// The words of the command to run: `remaining`, then what follows "--".
  [[nodiscard]] std::vector<std::string> command_words(std::vector<std::string> remaining) const;

  [[nodiscard]] Directories directories() const;
};

/// Prints "Error: ..." and sets the exit code, the general one unless told.
void show_error(Session& session, const Error& error);
void show_error(Session& session, const Error& error, int exit_code);

/// Text for standard output, whole.
void show(std::string_view text);

void add_network_commands(CLI::App& app, Session& session);
void add_run_command(CLI::App& app, Session& session);
void add_container_commands(CLI::App& app, Session& session);
void add_topology_command(CLI::App& app, Session& session);
void add_dns_commands(CLI::App& app, Session& session);

/// The program: parses, runs one command, yields the exit code.
int run_command_line(int argc, char** argv);

/// Opens the engine and runs `work` with it; an error is shown.
template <typename Work>
void with_engine(Session& session, Work work) {
  auto engine = Engine::open(session.directories());
  if (!engine) return show_error(session, engine.error());
  if (Result<void> done = work(*engine); !done) show_error(session, done.error());
}

}  // namespace burrow::engine
