// What people read about the command line, from the texts of netstack/subcommands.h. Pure.
#pragma once

#include <string>
#include <string_view>

#include "netstack/subcommands.h"

namespace burrow::netstack {

/// What --help prints of a program called `program`.
std::string program_help(std::string_view program);
/// What --help behind a sub-command prints.
std::string subcommand_help(std::string_view program, const SubcommandText& text);
/// "burrow-netstack [OPTIONS] update [--network-dns-servers ADDRESSES]... NETWORK"
std::string synopsis(std::string_view program, const SubcommandText& text);

/// The manual page burrow-netstack(1), in roff's man(7) macros; docs/man/ holds it.
std::string man_page();

}  // namespace burrow::netstack
