#include "netstack/help.h"

#include <fmt/format.h>

namespace burrow::netstack {
namespace {

constexpr size_t kWidth = 100;
constexpr size_t kColumn = 30;

// `text` filled to the width of a line, each line behind `indent` blanks. An empty line in the text
// stays one.
std::string filled(std::string_view text, size_t indent) {
  std::string result;
  std::string line;
  const auto end_line = [&] {
    if (!line.empty()) result += fmt::format("{:{}}{}\n", "", indent, line);
    line.clear();
  };
  while (!text.empty()) {
    const auto end = text.find_first_of(" \n");
    const auto word = text.substr(0, end);
    if (!line.empty() && indent + line.size() + 1 + word.size() > kWidth) end_line();
    if (!word.empty()) line += fmt::format("{}{}", line.empty() ? "" : " ", word);
    if (end == text.npos) break;
    if (text[end] == '\n') {
      if (line.empty()) result += '\n';
      end_line();
    }
    text.remove_prefix(end + 1);
  }
  end_line();
  return result;
}

// A term, and behind it what it means, filled.
std::string entry(std::string_view term, std::string_view meaning) {
  const auto text = filled(meaning, kColumn);
  if (term.size() + 3 > kColumn) return fmt::format("  {}\n{}", term, text);
  return fmt::format("  {:<{}}{}", term, kColumn - 2, text.substr(kColumn));
}

std::string term_of(const OptionText& option) {
  if (option.value.empty()) return fmt::format("    --{}", option.name);
  if (option.short_name == 0) return fmt::format("    --{} {}", option.name, option.value);
  return fmt::format("-{}, --{} {}", option.short_name, option.name, option.value);
}

// The sub-command with its operands.
std::string term_of(const SubcommandText& text) {
  std::string term{text.name};
  for (const auto& operand : text.operands) term += fmt::format(" {}", operand.name);
  return term;
}

constexpr std::string_view kPurpose =
    "Configures the networks of containers: bridges, links, addresses, routes, firewall and names. "
    "Documents in JSON go in and out, in the protocol of netavark 2.1; called as netavark the "
    "program answers as that.";
constexpr std::string_view kFailure =
    "0 on success. 1 on failure, with {\"error\": \"...\"} on standard output. 2 for a command "
    "line that makes no sense, with words on standard error.";

// What roff would take for a command or an escape.
std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '\\') {
      result += "\\e";
    } else if (c == '-') {
      result += "\\-";
    } else if ((c == '.' || c == '\'') && (result.empty() || result.back() == '\n')) {
      result += fmt::format("\\&{}", c);
    } else {
      result += c;
    }
  }
  return result;
}

// Paragraphs.
std::string roff(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const auto end = text.find("\n\n");
    result += fmt::format("{}{}\n", result.empty() ? "" : ".PP\n", escaped(text.substr(0, end)));
    if (end == text.npos) break;
    text.remove_prefix(end + 2);
  }
  return result;
}

std::string roff_entry(std::string_view term, std::string_view meaning) {
  return fmt::format(".TP\n.B {}\n{}\n", escaped(term), escaped(meaning));
}

std::string_view trimmed(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  return text;
}

}  // namespace

std::string synopsis(std::string_view program, const SubcommandText& text) {
  auto line = fmt::format("{} [OPTIONS] {}", program, text.name);
  for (const auto& option : text.options) {
    line += option.value.empty() ? fmt::format(" [--{}]", option.name)
                                 : fmt::format(" [--{} {}]", option.name, option.value);
  }
  for (const auto& operand : text.operands) line += fmt::format(" {}", operand.name);
  return line;
}

std::string program_help(std::string_view program) {
  auto text =
      fmt::format("{}\nUsage: {} [OPTIONS] COMMAND\n\nCommands:\n", filled(kPurpose, 0), program);
  for (const auto& command : all_subcommands()) text += entry(term_of(command), command.summary);
  text += "\nOptions, before the command:\n";
  for (const auto& option : global_options()) text += entry(term_of(option), option.help);
  text += entry("-h, --help", "print this; behind a command: more about the command");
  text += entry("-V, --version", "print the version");
  text += "\nEnvironment:\n";
  for (const auto& variable : all_variables()) text += entry(variable.name, variable.help);
  return text + fmt::format("\nExit status:\n{}", filled(kFailure, 2));
}

std::string subcommand_help(std::string_view program, const SubcommandText& text) {
  auto result =
      fmt::format("Usage: {}\n\n{}", synopsis(program, text), filled(text.description, 0));
  if (!text.operands.empty() || !text.options.empty()) result += '\n';
  for (const auto& operand : text.operands) result += entry(operand.name, operand.meaning);
  for (const auto& option : text.options) result += entry(trimmed(term_of(option)), option.help);
  return result + fmt::format("\nFor [OPTIONS] see {} --help.\n", program);
}

std::string man_page() {
  constexpr std::string_view kProgram = "burrow-netstack";
  auto page = fmt::format(
      ".\\\" Made from netstack/subcommands.cpp; see docs/man/README.md.\n"
      ".TH BURROW\\-NETSTACK 1 \"\" \"burrow\" \"User Commands\"\n"
      ".SH NAME\nburrow\\-netstack \\- set up the network of containers\n"
      ".SH SYNOPSIS\n.B burrow\\-netstack\n[OPTIONS] COMMAND\n.SH DESCRIPTION\n{}.SH COMMANDS\n",
      roff(kPurpose));
  for (const auto& command : all_subcommands()) {
    page +=
        fmt::format(".SS {}\n{}", escaped(synopsis(kProgram, command)), roff(command.description));
    for (const auto& operand : command.operands) {
      page += roff_entry(operand.name, operand.meaning);
    }
    for (const auto& option : command.options) {
      page += roff_entry(trimmed(term_of(option)), option.help);
    }
  }
  page += ".SH OPTIONS\nThese stand before the command.\n";
  for (const auto& option : global_options()) {
    page += roff_entry(trimmed(term_of(option)), option.help);
  }
  page += roff_entry("-h, --help", "print help; behind a command: about the command");
  page += roff_entry("-V, --version", "print the version");
  page += ".SH ENVIRONMENT\n";
  for (const auto& variable : all_variables()) page += roff_entry(variable.name, variable.help);
  page += fmt::format(".SH EXIT STATUS\n{}", roff(kFailure));
  page +=
      ".SH FILES\n.TP\n.I DIR/burrow/\nthe journal of the run directory: what was made, and what "
      "takes it back\n.TP\n.I DIR/aardvark\\-dns/\nthe files that the DNS daemon serves\n"
      ".SH SEE ALSO\n.BR burrow\\-dns (1),\n.BR nft (8),\n.BR ip\\-netns (8)\n";
  return page;
}

}  // namespace burrow::netstack
