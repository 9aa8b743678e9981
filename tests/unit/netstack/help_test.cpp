#include "netstack/help.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "netstack/command_line.h"

using namespace burrow::netstack;

namespace {

bool has(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

std::string answer(const std::vector<std::string>& arguments) {
  const auto line = parse_command_line(arguments, CalledAs::burrow_netstack);
  return line ? "" : line.error().text;
}

}  // namespace

TEST_CASE("the help names every command, option and variable, in lines of 100 columns") {
  const auto text = program_help("burrow-netstack");
  for (const auto& command : all_subcommands())
    CHECK(has(text, fmt::format("\n  {}", command.name)));
  for (const auto& option : global_options()) CHECK(has(text, fmt::format("--{} ", option.name)));
  for (const auto& variable : all_variables()) CHECK(has(text, variable.name));
  size_t start = 0;
  for (size_t end = 0; (end = text.find('\n', start)) != text.npos; start = end + 1) {
    CHECK(end - start <= 100);
  }
  CHECK(answer({"--help"}) == text);
  CHECK(answer({"help"}) == text);
}

TEST_CASE("--help behind a command is about that command, with all it takes") {
  for (const auto& command : all_subcommands()) {
    CAPTURE(command.name);
    const auto text = answer({"help", std::string{command.name}});
    CHECK(text == subcommand_help("burrow-netstack", command));
    // What stands behind dhcp-proxy is for burrow-dhcp to answer.
    if (command.subcommand != Subcommand::dhcp_proxy) {
      CHECK(text == answer({std::string{command.name}, "--help"}));
    }
    CHECK(has(text, synopsis("burrow-netstack", command)));
    for (const auto& operand : command.operands) CHECK(has(text, operand.meaning));
    for (const auto& option : command.options) CHECK(has(text, option.help));
  }
}

// BURROW_UPDATE_GOLDEN=1 writes the page.
TEST_CASE("the manual page is made from the texts of --help") {
  const std::string path = BURROW_SOURCE_DIR "/docs/man/burrow-netstack.1";
  const auto page = man_page();
  if (std::getenv("BURROW_UPDATE_GOLDEN") != nullptr) std::ofstream{path} << page;
  std::ifstream file{path};
  CHECK(std::string{std::istreambuf_iterator<char>{file}, {}} == page);
}
