// The sub-commands and options of burrow-netstack as text: the one source of what is parsed, of
// --help and of the man page. Constant values.
#pragma once

#include <span>
#include <string_view>

namespace burrow::netstack {

enum class Subcommand {
  setup,
  teardown,
  create,
  update,
  limit,
  firewall_reload,
  firewalld_reload,
  watch,
  repair,
  firewall,
  trace,
  plan,
  doctor,
  dhcp_proxy,
  version,
};

/// An option with a value, or without one.
struct OptionText {
  char short_name;  ///< 0: none
  std::string_view name;
  std::string_view value;  ///< what the value is called; empty: there is none
  std::string_view help;   ///< a part of a sentence
};

/// What stands behind a sub-command without a dash, and must stand there.
struct OperandText {
  std::string_view name;
  std::string_view meaning;
};

struct SubcommandText {
  Subcommand subcommand;
  std::string_view name;
  std::span<const OperandText> operands;
  std::span<const OptionText> options;  ///< those behind the sub-command
  std::string_view summary;             ///< one line
  std::string_view description;         ///< paragraphs, an empty line between them
};

/// A variable of the environment and what it does.
struct VariableText {
  std::string_view name;
  std::string_view help;
};

/// In the order in which people are told of them.
std::span<const SubcommandText> all_subcommands();
/// Those that stand before the sub-command.
std::span<const OptionText> global_options();
std::span<const VariableText> all_variables();

}  // namespace burrow::netstack
