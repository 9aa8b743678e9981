#include "netstack/dns_records.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <set>

#include "netstack/dns_file.h"

namespace burrow::netstack {
namespace {

constexpr size_t kMostServiceLines = 64;
constexpr size_t kMostRecords = 1000;
constexpr size_t kLongestRecord = 4096;
constexpr uint32_t kLongestTtl = 0x7fffffff;  // RFC 2181 section 8

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

// The next word, and what follows it without leading space.
std::string_view take_word(std::string_view& rest) {
  const auto end = std::min(rest.find_first_of(" \t"), rest.size());
  const auto word = rest.substr(0, end);
  rest = trimmed(rest.substr(end));
  return word;
}

std::optional<uint32_t> number(std::string_view text, uint32_t most) {
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value > most) return {};
  return value;
}

// Labels of 1 to 63 bytes, 253 in all.
bool is_domain(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  if (text.empty() || text.size() > 253 || !is_dns_name(text)) return false;
  for (;;) {
    const auto dot = text.find('.');
    const auto label = text.substr(0, dot);
    if (label.empty() || label.size() > 63) return false;
    if (dot == text.npos) return true;
    text.remove_prefix(dot + 1);
  }
}

bool is_target(std::string_view text) { return text == "@" || text == "." || is_domain(text); }

// So many numbers up to 65535, then a target.
bool is_numbers_and_target(std::string_view text, int numbers) {
  for (int i = 0; i < numbers; ++i) {
    if (!number(take_word(text), UINT16_MAX)) return false;
  }
  return is_target(text);
}

// Whether quotes are closed and each text is short enough for its length byte; the daemon knows the
// rest.
bool are_texts(std::string_view text) {
  bool is_quoted = false;
  size_t size = 0;
  for (size_t i = 0; i < text.size(); ++i, ++size) {
    if (text[i] == '\\' && ++i == text.size()) return false;
    if (text[i] == '"' && (i == 0 || text[i - 1] != '\\')) is_quoted = !is_quoted;
    if (!is_quoted && text[i] == ' ') size = 0;
    if (size > 255) return false;
  }
  return !is_quoted && !text.empty();
}

bool is_data(std::string_view type, std::string_view data) {
  if (type == "A" || type == "AAAA") {
    const auto address = IpAddress::parse(data);
    return address && address->is_v4() == (type == "A");
  }
  if (type == "CNAME") return is_target(data);
  if (type == "MX") return is_numbers_and_target(data, 1);
  if (type == "SRV") return is_numbers_and_target(data, 3);
  return type == "TXT" && are_texts(data);
}

std::string upper(std::string_view text) {
  std::string result{text};
  for (auto& c : result) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  }
  return result;
}

// One record as people write it, "NAME [TTL] TYPE DATA", as the daemon reads it.
Result<std::string> record_line(std::string_view text, uint32_t default_ttl) {
  const auto refuse = [&](std::string_view why) {
    return fail(Errc::invalid_input, "invalid DNS record \"{}\": {}", text.substr(0, 120), why);
  };
  if (text.size() > kLongestRecord) return refuse("too long");
  if (std::ranges::any_of(text, [](unsigned char c) { return c < ' ' && c != '\t'; })) {
    return refuse("a control character");
  }
  auto rest = text;
  const auto name = take_word(rest);
  if (name != "@" && !is_domain(name)) return refuse("no name");
  auto type = take_word(rest);
  auto ttl = number(type, kLongestTtl);
  if (ttl) type = take_word(rest);
  const auto kind = upper(type);
  constexpr std::array<std::string_view, 6> kTypes{"A", "AAAA", "CNAME", "MX", "SRV", "TXT"};
  if (std::ranges::find(kTypes, kind) == kTypes.end()) {
    return refuse("the type must be A, AAAA, CNAME, MX, SRV or TXT");
  }
  std::string data;
  if (kind == "MX" || kind == "SRV") {
    for (auto words = rest; !words.empty();) {
      if (!data.empty()) data += ' ';
      data += take_word(words);
    }
  } else {
    data = rest;
  }
  if (!is_data(kind, data)) return refuse(fmt::format("no data for type {}", kind));
  return fmt::format("=   {} {} {} {}", name, ttl.value_or(default_ttl), kind, data);
}

// The records of an option: one a line, or with semicolons between them, which may stand in quotes.
std::vector<std::string_view> split_records(std::string_view text) {
  std::vector<std::string_view> records;
  bool is_quoted = false;
  size_t begin = 0;
  for (size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && text[i] == '\\') {
      ++i;
      continue;
    }
    if (i < text.size() && text[i] == '"') is_quoted = !is_quoted;
    const bool is_end = i >= text.size() || text[i] == '\n' || (text[i] == ';' && !is_quoted);
    if (!is_end) continue;
    if (const auto record = trimmed(text.substr(begin, i - begin)); !record.empty()) {
      records.push_back(record);
    }
    begin = i + 1;
  }
  return records;
}

const std::string* find_option(const Network& network, const std::string& name) {
  if (const auto option = network.options.find(name); option != network.options.end()) {
    return &option->second;
  }
  const auto label = network.labels.find("burrow." + name);
  return label == network.labels.end() ? nullptr : &label->second;
}

// "corp.example=10.0.0.1,10.0.0.2;lan=10.0.0.3"
bool are_forwards(std::string_view text) {
  const auto take = [](std::string_view& rest, char separator) {
    const auto part = rest.substr(0, rest.find(separator));
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
    return part;
  };
  if (text.empty() || text.ends_with(';') || text.ends_with(',')) return false;
  while (!text.empty()) {
    auto servers = take(text, ';');
    if (!is_domain(take(servers, '=')) || servers.empty()) return false;
    while (!servers.empty()) {
      if (!IpAddress::parse(take(servers, ','))) return false;
    }
  }
  return true;
}

Failure bad_option(std::string_view name, std::string_view value, std::string_view wanted) {
  return fail(Errc::invalid_input, "invalid {} \"{}\": must be {}", name, value.substr(0, 64),
              wanted);
}

}  // namespace

Result<std::vector<std::string>> network_dns_lines(const Network& network) {
  std::string settings;
  uint32_t ttl = 0;
  if (const auto* domain = find_option(network, "dns_domain")) {
    if (!is_domain(*domain)) return bad_option("dns_domain", *domain, "a domain name");
    settings += fmt::format(" domain={}", *domain);
  }
  if (const auto* order = find_option(network, "dns_order")) {
    if (*order != "fixed" && *order != "rotate") {
      return bad_option("dns_order", *order, "fixed or rotate");
    }
    settings += fmt::format(" order={}", *order);
  }
  if (const auto* word = find_option(network, "dns_ttl")) {
    const auto value = number(*word, kLongestTtl);
    if (!value) return bad_option("dns_ttl", *word, "a number of seconds up to 2147483647");
    ttl = *value;
    settings += fmt::format(" ttl={}", ttl);
  }
  if (const auto* forwards = find_option(network, "dns_forward")) {
    if (!are_forwards(*forwards)) {
      return bad_option("dns_forward", *forwards, "DOMAIN=ADDRESS[,ADDRESS...][;DOMAIN=...]");
    }
    settings += fmt::format(" forward={}", *forwards);
  }
  std::vector<std::string> lines;
  if (!settings.empty()) lines.push_back("=   @ 0 SET" + settings);
  if (const auto* records = find_option(network, "dns_records")) {
    for (const auto record : split_records(*records)) {
      if (lines.size() > kMostRecords) {
        return fail(Errc::invalid_input, "more than {} DNS records", kMostRecords);
      }
      lines.push_back(TRY(record_line(record, ttl)));
    }
  }
  return lines;
}

std::vector<std::string> service_dns_lines(const ContainerId& container,
                                           std::span<const std::string> names,
                                           std::span<const PortMapping> ports) {
  std::set<std::pair<uint16_t, Protocol>> services;
  for (const auto& mapping : ports) {
    for (uint16_t i = 0; i < mapping.count && services.size() <= kMostServiceLines; ++i) {
      services.insert({static_cast<uint16_t>(mapping.container_port + i), mapping.protocol});
    }
  }
  std::vector<std::string> lines;
  if (services.size() > kMostServiceLines) return lines;
  for (const auto& name : names) {
    // Nobody looks for a service by the short form of an identifier.
    if (!is_domain(name) || name.starts_with('*') || container.str().starts_with(name)) continue;
    for (const auto& [port, protocol] : services) {
      if (lines.size() >= kMostServiceLines) return lines;
      lines.push_back(fmt::format("={}   _{}._{}.{} 0 SRV 0 0 {} {}", container, port,
                                  to_string(protocol), name, port, name));
    }
  }
  return lines;
}

}  // namespace burrow::netstack
