#include "netstack/dns_lists.h"

#include <algorithm>

#include "firewall/policy.h"

namespace burrow::netstack {
namespace {

using firewall::LimitKind;

constexpr std::string_view kAllow = "allow";
constexpr std::string_view kDeny = "deny";
constexpr std::string_view kInternal = "%int";
// Behind the columns that make other daemons pass over a line (dns/network_file.cpp).
constexpr std::string_view kMark = "   @ 0 EGRESS ";

// A word of the line: what has a meaning there becomes '_'.
std::string word(std::string_view text) {
  std::string result{text.empty() ? std::string_view{"-"} : text};
  std::ranges::replace_if(
      result, [](unsigned char c) { return c <= ' ' || c >= 0x7f || c == '"' || c == ','; }, '_');
  return result;
}

std::vector<std::string> lines_of(std::string_view id, std::string_view label,
                                  std::string_view owners, const firewall::PeerList& egress) {
  std::vector<std::string> lines;
  const auto add = [&](std::string_view verdict, const std::vector<NamePattern>& names) {
    if (names.empty()) return;
    std::string line = fmt::format("={}{}{} {} {} ", id, kMark, verdict, word(label), owners);
    for (const auto& name : names) line += fmt::format("{},", name.str());
    line.pop_back();
    lines.push_back(std::move(line));
  };
  add(kDeny, egress.deny_names);
  add(kAllow, egress.allow_names);
  return lines;
}

std::optional<LimitKind> kind_of(std::string_view line) {
  const auto mark = line.find(kMark);
  if (!line.starts_with('=') || mark == line.npos || mark != line.find(' ')) return std::nullopt;
  return line.substr(mark + kMark.size()).starts_with(kAllow) ? LimitKind::egress_allow
                                                              : LimitKind::egress_deny;
}

template <typename Use>
void for_each_line(std::string_view text, Use use) {
  for (bool is_last = false; !is_last;) {
    const auto end = text.find('\n');
    is_last = end == text.npos;
    use(text.substr(0, end));
    text.remove_prefix(is_last ? text.size() : end + 1);
  }
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (bool is_last = false; !is_last;) {
    const auto end = text.find(separator);
    is_last = end == text.npos;
    parts.push_back(text.substr(0, end));
    text.remove_prefix(is_last ? text.size() : end + 1);
  }
  return parts;
}

}  // namespace

std::vector<std::string> name_list_lines(const firewall::LimitedContainer& container,
                                         const firewall::PeerList& egress) {
  std::vector<std::string> addresses;
  for (const auto& address : container.addresses) addresses.push_back(address.to_string());
  return lines_of(container.container.str(), container.container_name,
                  fmt::format("{}", fmt::join(addresses, ",")), egress);
}

std::vector<std::string> name_list_lines(const NetworkName& network, const LinkName& bridge,
                                         const firewall::PeerList& egress) {
  return lines_of("", network.str(), bridge.str(), egress);
}

std::string with_name_lists(std::string_view text, const std::set<firewall::LimitKind>& kinds,
                            const std::vector<std::string>& lines) {
  std::string result;
  for_each_line(text, [&](std::string_view line) {
    const auto kind = kind_of(line);
    if (kind && kinds.contains(*kind)) return;
    if (!result.empty()) result += '\n';
    result += line;
  });
  for (const auto& line : lines) result += fmt::format("\n{}", line);
  return result;
}

std::string with_same_name_lists(std::string_view text, std::string_view model) {
  const auto lines = name_lists_in(model);
  return with_name_lists(text, {LimitKind::egress_allow, LimitKind::egress_deny},
                         {lines.begin(), lines.end()});
}

std::vector<std::string_view> name_lists_in(std::string_view text) {
  std::vector<std::string_view> lines;
  for_each_line(text, [&](std::string_view line) {
    if (kind_of(line)) lines.push_back(line);
  });
  return lines;
}

bool has_name_list(std::string_view text) { return !name_lists_in(text).empty(); }

std::vector<ListedNames> read_name_lists(std::string_view file, std::string_view content) {
  std::vector<ListedNames> lists;
  if (file.ends_with(kInternal)) file.remove_suffix(kInternal.size());
  const auto network = NetworkName::parse(file);
  if (!network) return lists;
  for (const auto line : name_lists_in(content)) {
    const auto id = line.substr(1, line.find(' ') - 1);
    // Verdict, label, owners, names.
    const auto words = split(line.substr(line.find(kMark) + kMark.size()), ' ');
    const auto container = ContainerId::parse(id);
    if (words.size() != 4 || (!id.empty() && !container)) continue;
    ListedNames list{.owner = id.empty() ? firewall::owner_comment(*network)
                                         : firewall::owner_comment(*container, words[1], *network),
                     .kind = *kind_of(line),
                     .names = {}};
    for (const auto name : split(words[3], ',')) list.names.emplace_back(name);
    lists.push_back(std::move(list));
  }
  return lists;
}

}  // namespace burrow::netstack
