#include "dns/egress_list.h"

#include <algorithm>
#include <array>

namespace burrow::dns {
namespace {

constexpr size_t kWords = 4;
// What one line can make the daemon hold.
constexpr size_t kMostOwners = 64;
constexpr size_t kMostNames = 256;

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

Result<ListOwner> parse_owner(std::string_view id, std::string_view word) {
  if (id.empty()) return ListOwner{TRY(LinkName::parse(word))};
  return ListOwner{TRY(IpAddress::parse(word))};
}

}  // namespace

std::string EgressList::whose() const {
  return id.empty() ? fmt::format("network {}", label) : fmt::format("{} ({})", label, network);
}

bool EgressList::has(std::string_view name) const {
  return std::ranges::any_of(names,
                             [&](const NamePattern& pattern) { return pattern.matches(name); });
}

Result<EgressList> parse_egress_list(std::string_view id, std::string_view words) {
  const auto parts = split(words, ' ');
  if (parts.size() != kWords) {
    return fail(Errc::invalid_input, "{} words instead of {} in the list \"{}\"", parts.size(),
                kWords, words.substr(0, 80));
  }
  EgressList list{.id = std::string{id},
                  .label = std::string{parts[1]},
                  .network = {},
                  .owners = {},
                  .names = {}};
  std::ranges::transform(list.id, list.id.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  });
  if (parts[0] != "allow" && parts[0] != "deny") {
    return fail(Errc::invalid_input, "a list neither allows nor denies: \"{}\"",
                parts[0].substr(0, 64));
  }
  list.verdict = parts[0] == "allow" ? firewall::PeerVerdict::allow : firewall::PeerVerdict::deny;
  const auto owners = split(parts[2], ',');
  const auto names = split(parts[3], ',');
  if (owners.size() > kMostOwners || names.size() > kMostNames) {
    return fail(Errc::invalid_input, "a list of {} names for {} addresses is too long",
                names.size(), owners.size());
  }
  for (const auto word : owners) list.owners.push_back(TRY(parse_owner(id, word)));
  for (const auto word : names) list.names.push_back(TRY(NamePattern::parse(word)));
  return list;
}

}  // namespace burrow::dns
