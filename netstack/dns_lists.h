// The lines of a network's DNS file that tell the daemon which names are in whose lists of egress,
// so that it can open what they stand for. Pure: text in, text out. Their grammar: docs/dns.md.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "firewall/limits.h"

namespace burrow::netstack {

/// The lines of a container's lists, one for each list that has names.
std::vector<std::string> name_list_lines(const firewall::LimitedContainer& container,
                                         const firewall::PeerList& egress);
/// The same of a network's own lists.
std::vector<std::string> name_list_lines(const NetworkName& network, const LinkName& bridge,
                                         const firewall::PeerList& egress);

/// `text`, a header or an entry of a DNS file, without its lines of lists of `kinds`, and with
/// `lines` at its end.
std::string with_name_lists(std::string_view text, const std::set<firewall::LimitKind>& kinds,
                            const std::vector<std::string>& lines);

/// `text` with the lines of lists of `model` in place of its own.
std::string with_same_name_lists(std::string_view text, std::string_view model);

/// The lines of lists in `text`.
std::vector<std::string_view> name_lists_in(std::string_view text);
/// Whether a list in `text` has names.
bool has_name_list(std::string_view text);

/// The names of one list, and whose it is in the words of the firewall's comments.
struct ListedNames {
  std::string owner;
  firewall::LimitKind kind = firewall::LimitKind::egress_allow;
  std::vector<std::string> names;
  friend bool operator==(const ListedNames&, const ListedNames&) = default;
};

/// The lists in the DNS file `file`; what somebody else wrote there and does not read is left out.
std::vector<ListedNames> read_name_lists(std::string_view file, std::string_view content);

}  // namespace burrow::netstack
