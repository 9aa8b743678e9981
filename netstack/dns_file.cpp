#include "netstack/dns_file.h"

#include <algorithm>
#include <span>

namespace burrow::netstack {
namespace {

std::vector<std::string_view> lines_of(std::string_view content) {
  std::vector<std::string_view> lines;
  while (!content.empty()) {
    const auto end = content.find('\n');
    if (const auto line = content.substr(0, end); !line.empty()) lines.push_back(line);
    if (end == content.npos) break;
    content.remove_prefix(end + 1);
  }
  return lines;
}

// A container's line, or one of its records.
bool belongs_to(std::string_view line, const ContainerId& container) {
  if (line.starts_with('=')) line.remove_prefix(1);
  return line.substr(0, line.find(' ')) == container.str();
}

// A record or the settings of the network itself.
bool is_networks_own(std::string_view line) { return line.starts_with("= "); }

bool is_record(std::string_view line) { return line.starts_with('='); }

std::string join(const std::vector<IpAddress>& addresses, std::optional<Family> family = {}) {
  std::string text;
  for (const auto& address : addresses) {
    if (family && address.family() != *family) continue;
    if (!text.empty()) text += ',';
    text += address.to_string();
  }
  return text;
}

}  // namespace

bool is_dns_name(std::string_view name) {
  return !name.empty() && std::ranges::none_of(name, [](unsigned char c) {
    return c == ',' || c <= ' ' || c == 0x7f;
  });
}

std::string encode(const DnsHeader& header) {
  auto text = join(header.listen);
  if (!header.servers.empty()) text += ' ' + join(header.servers);
  for (const auto& line : header.lines) text += '\n' + line;
  return text;
}

std::string encode(const DnsEntry& entry) {
  auto text = fmt::format("{} {} {} {}", entry.container, join(entry.addresses, Family::ipv4),
                          join(entry.addresses, Family::ipv6), fmt::join(entry.names, ","));
  if (!entry.servers.empty()) text += ' ' + join(entry.servers);
  for (const auto& line : entry.lines) text += '\n' + line;
  return text;
}

std::string header_of(std::string_view content) {
  const auto lines = lines_of(content);
  if (lines.empty()) return {};
  std::string header{lines.front()};
  for (const auto line : std::span{lines}.subspan(1)) {
    if (is_networks_own(line)) header += fmt::format("\n{}", line);
  }
  return header;
}

std::string with_entry(std::string_view content, std::string_view header, std::string_view entry,
                       const ContainerId& container) {
  auto text = fmt::format("{}\n", header);
  const auto lines = lines_of(content);
  for (size_t i = 1; i < lines.size(); ++i) {
    if (is_networks_own(lines[i]) || belongs_to(lines[i], container)) continue;
    text += fmt::format("{}\n", lines[i]);
  }
  return text + fmt::format("{}\n", entry);
}

std::string with_header(std::string_view content, std::string_view header) {
  auto text = fmt::format("{}\n", header);
  const auto lines = lines_of(content);
  for (size_t i = 1; i < lines.size(); ++i) {
    if (!is_networks_own(lines[i])) text += fmt::format("{}\n", lines[i]);
  }
  return text;
}

std::optional<std::string> without_entry(std::string_view content, const ContainerId& container) {
  const auto lines = lines_of(content);
  if (lines.empty()) return std::nullopt;
  auto text = fmt::format("{}\n", lines.front());
  bool is_empty = true;
  for (size_t i = 1; i < lines.size(); ++i) {
    if (belongs_to(lines[i], container)) continue;
    text += fmt::format("{}\n", lines[i]);
    if (!is_record(lines[i])) is_empty = false;
  }
  if (is_empty) return std::nullopt;
  return text;
}

}  // namespace burrow::netstack
