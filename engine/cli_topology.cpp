// `burrow topology`.

#include <sys/ioctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <memory>

#include "engine/cli.h"
#include "engine/networks.h"
#include "engine/topology.h"

namespace burrow::engine {
namespace {

size_t terminal_width() {
  winsize size{};
  constexpr size_t kUsual = 80;
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kUsual;
  return size.ws_col;
}

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "localhost";
}

}  // namespace

void add_topology_command(CLI::App& app, Session& session) {
  struct Options {
    std::vector<std::string> networks;
    size_t width = 0;
    bool is_plain = false;
  };
  auto* command = app.add_subcommand(
      "topology", "Draw networks, bridges, containers, addresses and published ports");
  auto options = std::make_shared<Options>();
  command->add_option("NETWORK", options->networks, "Only these (default: all)");
  command->add_flag("--ascii", options->is_plain, "Plain characters");
  command->add_option("--width", options->width, "Columns to fit into (default: the terminal's)")
      ->check(CLI::Range(20, 1000));
  command->callback([options, &session] {
    with_engine(session, [&](Engine& engine) -> Result<void> {
      auto views = TRY(view_networks(engine));
      if (!options->networks.empty()) {
        std::vector<NetworkView> chosen;
        for (const auto& text : options->networks) {
          const auto name = TRY(engine.definitions.get(text)).name;
          for (const auto& view : views) {
            if (view.network.name == name) chosen.push_back(view);
          }
        }
        views = std::move(chosen);
      }
      show(draw_topology(host_name(), views,
                         {.glyphs = options->is_plain ? Glyphs::ascii : Glyphs::box_drawing,
                          .width = options->width != 0 ? options->width : terminal_width()}));
      return {};
    });
  });
}

}  // namespace burrow::engine
