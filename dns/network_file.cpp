#include "dns/network_file.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace burrow::dns {
namespace {

constexpr std::string_view kInternalMark = "%int";
constexpr size_t kMaximumComplaints = 20;
constexpr uint32_t kLongestTtl = 0x7fffffff;  // RFC 2181 section 8

// Cuts the part before the next `separator` off `rest`; nothing when all is taken.
std::optional<std::string_view> take(std::optional<std::string_view>& rest, char separator) {
  if (!rest) return {};
  const auto end = rest->find(separator);
  const auto part = rest->substr(0, end);
  if (end == rest->npos) {
    rest.reset();
  } else {
    rest->remove_prefix(end + 1);
  }
  return part;
}

// Every address of a comma list; an empty list has none.
Result<void> parse_addresses(std::string_view list, std::vector<IpAddress>& into) {
  if (list.empty()) return {};
  std::optional rest{list};
  while (const auto word = take(rest, ',')) into.push_back(TRY(IpAddress::parse(*word)));
  return {};
}

// The same, of one family alone.
Result<void> parse_addresses(std::string_view list, Family family, std::vector<IpAddress>& into) {
  const auto before = into.size();
  TRY_VOID(parse_addresses(list, into));
  for (auto at = before; at < into.size(); ++at) {
    if (into[at].family() != family) {
      return fail(Errc::invalid_input, "{} in the column of {} addresses", into[at].to_string(),
                  family == Family::ipv4 ? "IPv4" : "IPv6");
    }
  }
  return {};
}

// One bad alias costs this alias alone.
void parse_names(std::string_view list, std::vector<DomainName>& into, Complaints& complaints) {
  std::optional rest{list};
  while (const auto word = take(rest, ',')) {
    if (word->empty()) continue;
    auto name = DomainName::parse(*word);
    if (!name) {
      complaints.add(name.error().message);
    } else if (std::ranges::find(into, *name) == into.end()) {
      into.push_back(*std::move(name));
    }
  }
}

Result<ContainerLine> parse_container(std::string_view line, Complaints& complaints) {
  std::array<std::string_view, 6> columns{};
  size_t count = 0;
  for (std::optional rest{line}; rest && count < columns.size(); ++count) {
    columns[count] = *take(rest, ' ');
  }
  if (count < 4) {
    return fail(Errc::invalid_input, "{} columns instead of 4 in \"{}\"", count,
                line.substr(0, 80));
  }
  ContainerLine container{.id = std::string{columns[0]}};
  std::ranges::transform(container.id, container.id.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  TRY_VOID(parse_addresses(columns[1], Family::ipv4, container.addresses));
  TRY_VOID(parse_addresses(columns[2], Family::ipv6, container.addresses));
  parse_names(columns[3], container.names, complaints);
  // Servers count only when theirs is the last column, as they always did.
  if (count == 5) {
    if (auto parsed = parse_addresses(columns[4], container.dns_servers); !parsed) {
      container.dns_servers.clear();
      complaints.add(parsed.error().message);
    }
  }
  return container;
}

// "domain=shop.internal order=fixed ttl=30"; a word that a later version knows is no error.
NetworkSettings parse_settings(std::string_view text, Complaints& complaints) {
  NetworkSettings settings;
  std::optional rest{text};
  while (const auto word = take(rest, ' ')) {
    const auto equals = word->find('=');
    const auto key = word->substr(0, equals);
    const auto value = equals == word->npos ? std::string_view{} : word->substr(equals + 1);
    const auto refuse = [&] {
      complaints.add(fmt::format("setting ignored: \"{}\"", word->substr(0, 80)));
    };
    if (key == "domain") {
      if (auto domain = DomainName::parse(value)) {
        settings.domain = *std::move(domain);
      } else {
        refuse();
      }
    } else if (key == "order") {
      if (value != "fixed" && value != "rotate") refuse();
      settings.rotation = value == "fixed" ? Rotation::fixed : Rotation::rotate;
    } else if (key == "forward") {
      if (auto forwards = parse_domain_forwards(value)) {
        settings.forwards = *std::move(forwards);
      } else {
        complaints.add(forwards.error().message);
      }
    } else if (key == "ttl") {
      uint32_t ttl = 0;
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), ttl);
      if (error == std::errc{} && end == value.data() + value.size() && ttl <= kLongestTtl) {
        settings.ttl = ttl;
      } else {
        refuse();
      }
    }
  }
  return settings;
}

// Lines of ours look to aardvark-dns like containers without an address: "=", the container that
// the line belongs to or nothing, two empty columns, and more columns than a container has.
constexpr std::string_view kOwnColumns = "  ";
constexpr std::string_view kSettings = "@ 0 SET ";
constexpr std::string_view kEgress = "@ 0 EGRESS ";

Result<LineContent> parse_own_line(std::string_view line, Complaints& complaints) {
  const auto id = line.substr(1, std::min(line.find(' '), line.size()) - 1);
  auto rest = line.substr(1 + id.size());
  if (!rest.starts_with(" ") || !rest.substr(1).starts_with(kOwnColumns)) {
    return fail(Errc::invalid_input, "no record in \"{}\"", line.substr(0, 80));
  }
  rest.remove_prefix(1 + kOwnColumns.size());
  if (rest.starts_with(kSettings)) {
    return LineContent{parse_settings(rest.substr(kSettings.size()), complaints)};
  }
  if (rest.starts_with(kEgress)) {
    return LineContent{TRY(parse_egress_list(id, rest.substr(kEgress.size())))};
  }
  return LineContent{TRY(parse_record(rest))};
}

}  // namespace

NetworkFileName parse_file_name(std::string_view name) {
  if (!name.ends_with(kInternalMark)) return {std::string{name}, Reach::external};
  name.remove_suffix(kInternalMark.size());
  return {std::string{name}, Reach::internal};
}

void Complaints::add(std::string_view text) {
  if (texts_.size() > kMaximumComplaints) return;
  texts_.emplace_back(texts_.size() == kMaximumComplaints ? "more of the same" : text);
}

Result<NetworkHeader> parse_header(std::string_view line, Complaints& complaints) {
  NetworkHeader header;
  std::optional rest{line};
  TRY_VOID(parse_addresses(*take(rest, ' '), header.listen_addresses));
  if (header.listen_addresses.empty()) {
    return fail(Errc::invalid_input, "no listen address in \"{}\"", line.substr(0, 80));
  }
  // A bad server list costs the list, not the network.
  if (const auto servers = take(rest, ' '); servers && !servers->empty()) {
    if (auto parsed = parse_addresses(*servers, header.dns_servers); !parsed) {
      header.dns_servers.clear();
      complaints.add(parsed.error().message);
    }
  }
  return header;
}

Result<LineContent> parse_line(std::string_view line, Complaints& complaints) {
  if (line.starts_with('=')) return parse_own_line(line, complaints);
  return LineContent{TRY(parse_container(line, complaints))};
}

Result<NetworkFile> parse_network_file(std::string_view file_name, std::string_view content) {
  return parse_network_file(file_name, content, number_lines(content));
}

Result<NetworkFile> parse_network_file(std::string_view file_name, std::string_view content,
                                       const std::vector<NumberedLine>& lines) {
  auto [network, reach] = parse_file_name(file_name);
  if (lines.empty()) return fail(Errc::invalid_input, "no listen address: the file is empty");
  NetworkFile file{.network = std::move(network), .reach = reach};
  Complaints all;
  size_t number =
      1 + static_cast<size_t>(std::ranges::count(content.substr(0, lines[0].begin), '\n'));
  for (size_t i = 0; i < lines.size(); ++i) {
    const auto text = lines[i].of(content);
    if (i > 0) {
      const auto from = lines[i - 1].begin + lines[i - 1].size;
      const auto between = content.substr(from, lines[i].begin - from);
      number += static_cast<size_t>(std::ranges::count(between, '\n'));
    }
    Complaints complaints;
    if (i == 0) {
      file.header = TRY(parse_header(text, complaints));
    } else if (auto line = parse_line(text, complaints)) {
      file.lines.push_back({lines[i].number, *std::move(line)});
    } else {
      complaints.add(line.error().message);
    }
    for (const auto& complaint : complaints.texts()) {
      all.add(fmt::format("line {}: {}", number, complaint));
    }
  }
  file.complaints = all.texts();
  return file;
}

}  // namespace burrow::dns
