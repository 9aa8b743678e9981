#include "dns/network_file.h"

#include <algorithm>
#include <array>
#include <optional>

namespace burrow::dns {
namespace {

constexpr std::string_view kInternalMark = "%int";
constexpr size_t kMaximumComplaints = 20;

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

class Parser {
 public:
  explicit Parser(NetworkFile& file) : file_(file) {}

  Result<void> parse_header(std::string_view line) {
    std::optional rest{line};
    TRY_VOID(parse_addresses(*take(rest, ' '), file_.listen_addresses));
    if (file_.listen_addresses.empty()) {
      return fail(Errc::invalid_input, "no listen address in \"{}\"", line.substr(0, 80));
    }
    // A bad server list costs the list, not the network.
    if (const auto servers = take(rest, ' '); servers && !servers->empty()) {
      if (auto parsed = parse_addresses(*servers, file_.dns_servers); !parsed) {
        file_.dns_servers.clear();
        complain(parsed.error().message);
      }
    }
    return {};
  }

  void parse_container(std::string_view line) {
    auto container = read_container(line);
    if (container) {
      file_.containers.push_back(*std::move(container));
    } else {
      complain(container.error().message);
    }
  }

 private:
  Result<ContainerLine> read_container(std::string_view line) {
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
    parse_names(columns[3], container.names);
    // Servers count only when theirs is the last column, as they always did.
    if (count == 5) {
      if (auto parsed = parse_addresses(columns[4], container.dns_servers); !parsed) {
        container.dns_servers.clear();
        complain(parsed.error().message);
      }
    }
    return container;
  }

  // One bad alias costs this alias alone.
  void parse_names(std::string_view list, std::vector<DomainName>& into) {
    std::optional rest{list};
    while (const auto word = take(rest, ',')) {
      if (word->empty()) continue;
      auto name = DomainName::parse(*word);
      if (!name) {
        complain(name.error().message);
      } else if (std::ranges::find(into, *name) == into.end()) {
        into.push_back(*std::move(name));
      }
    }
  }

  void complain(std::string_view what) {
    if (file_.complaints.size() > kMaximumComplaints) return;
    if (file_.complaints.size() == kMaximumComplaints) what = "more of the same";
    file_.complaints.push_back(fmt::format("line {}: {}", line_number, what));
  }

 public:
  size_t line_number = 0;

 private:
  NetworkFile& file_;
};

}  // namespace

NetworkFileName parse_file_name(std::string_view name) {
  if (!name.ends_with(kInternalMark)) return {std::string{name}, Reach::external};
  name.remove_suffix(kInternalMark.size());
  return {std::string{name}, Reach::internal};
}

Result<NetworkFile> parse_network_file(std::string_view file_name, std::string_view content) {
  auto [network, reach] = parse_file_name(file_name);
  NetworkFile file{.network = std::move(network), .reach = reach};
  Parser parser{file};
  bool has_header = false;
  std::optional rest{content};
  while (const auto line = take(rest, '\n')) {
    ++parser.line_number;
    if (line->empty()) continue;
    if (has_header) {
      parser.parse_container(*line);
    } else {
      TRY_VOID(parser.parse_header(*line));
      has_header = true;
    }
  }
  if (!has_header) return fail(Errc::invalid_input, "no listen address: the file is empty");
  return file;
}

}  // namespace burrow::dns
