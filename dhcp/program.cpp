#include "dhcp/program.h"

#include <cstdio>
#include <cstdlib>
#include <iterator>

#include "core/log.h"
#include "dhcp/client.h"
#include "dhcp/command_line.h"
#include "dhcp/service.h"

namespace burrow::dhcp {
namespace {

std::optional<std::string> variable(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): before any thread
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

void print(FILE* stream, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stream);
  std::fflush(stream);
}

int refuse(const Error& error) {
  print(stderr, fmt::format("error: {}\n", error.message));
  return EXIT_FAILURE;
}

void set_log_threshold() {
  auto level = log::Level::info;
  for (const auto* name : {"RUST_LOG", "BURROW_LOG"}) {
    if (const auto text = variable(name)) level = log::parse_level(*text, level);
  }
  log::set_threshold(level);
}

int serve(const CommandLine& command_line) {
  set_log_threshold();
  Service service{command_line};
  if (const auto started = service.start(); !started) return refuse(started.error());
  log::info("dhcp", "serving on \"{}\"", command_line.socket.native());
  service.run();
  return EXIT_SUCCESS;
}

std::string row(const LeaseStatus& status) {
  const auto left = status.left    ? fmt::format("{} s", status.left->count())
                    : status.lease ? std::string{"for ever"}
                                   : std::string{"-"};
  const auto& lease = status.lease;
  return fmt::format("{:<14}{:<12}{:<20}{:<12}{:<24}{:<18}{}\n",
                     status.holder.container.str().substr(0, 12), status.holder.interface.str(),
                     status.network.str(), status.state,
                     lease ? lease->address.to_string() : std::string{"-"},
                     lease && lease->server ? lease->server->to_string() : std::string{"-"}, left);
}

int print_status(const CommandLine& command_line) {
  auto client = Client::connect({command_line.socket});
  if (!client) return refuse(client.error());
  const auto statuses = client->list();
  if (!statuses) return refuse(statuses.error());
  if (command_line.form == StatusForm::json) {
    print(stdout, encode_statuses(*statuses) + "\n");
    return EXIT_SUCCESS;
  }
  print(stdout, fmt::format("{:<14}{:<12}{:<20}{:<12}{:<24}{:<18}{}\n", "CONTAINER", "INTERFACE",
                            "NETWORK", "STATE", "ADDRESS", "SERVER", "LEFT"));
  for (const auto& status : *statuses) print(stdout, row(status));
  return EXIT_SUCCESS;
}

}  // namespace

int run_program(std::span<const char* const> arguments) {
  const auto name = arguments.empty() ? "burrow-dhcp" : base_name(arguments[0]);
  const auto command_line = parse_command_line(arguments, variable);
  if (!command_line) {
    print(stderr, fmt::format("error: {}\n\nUsage: {} [OPTIONS] [run|status]\n\n"
                              "For more information, try '--help'.\n",
                              command_line.error().message, name));
    return 2;
  }
  switch (command_line->subcommand) {
    case Subcommand::print_help:
      print(stdout, help_text(name));
      return EXIT_SUCCESS;
    case Subcommand::print_version:
      print(stdout, version_text(name) + "\n");
      return EXIT_SUCCESS;
    case Subcommand::status:
      return print_status(*command_line);
    case Subcommand::run:
      return serve(*command_line);
  }
  return EXIT_FAILURE;
}

}  // namespace burrow::dhcp
