#include "dns/domain_servers.h"

#include <algorithm>

namespace burrow::dns {
namespace {

constexpr size_t kMaximumDomains = 64;
constexpr size_t kMaximumServersEach = 16;

std::string_view take_until(std::string_view& rest, char separator) {
  const auto part = rest.substr(0, rest.find(separator));
  rest.remove_prefix(std::min(rest.size(), part.size() + 1));
  return part;
}

Result<DomainForward> parse_one(std::string_view text) {
  const auto equals = text.find('=');
  if (equals == text.npos) {
    return fail(Errc::invalid_input, "no servers for domain \"{}\"", text.substr(0, 64));
  }
  DomainForward forward{.domain = TRY(DomainName::parse(text.substr(0, equals)))};
  auto rest = text.substr(equals + 1);
  do {
    forward.servers.push_back(TRY(IpAddress::parse(take_until(rest, ','))));
  } while (!rest.empty() && forward.servers.size() < kMaximumServersEach);
  if (!rest.empty() || text.ends_with(',')) {
    return fail(Errc::invalid_input, "servers of domain \"{}\": not 1 to {} addresses",
                forward.domain.to_string(), kMaximumServersEach);
  }
  return forward;
}

// True when `labels` is `domain` or lies below it, cut between two labels.
bool is_within(std::string_view labels, std::string_view domain) {
  if (!labels.ends_with(domain)) return false;
  const size_t cut = labels.size() - domain.size();
  size_t at = 0;
  while (at < cut) at += 1 + static_cast<uint8_t>(labels[at]);
  return at == cut;
}

}  // namespace

Result<std::vector<DomainForward>> parse_domain_forwards(std::string_view text) {
  std::vector<DomainForward> forwards;
  while (!text.empty()) {
    auto forward = TRY(parse_one(take_until(text, ';')));
    if (std::ranges::find(forwards, forward.domain, &DomainForward::domain) != forwards.end()) {
      return fail(Errc::invalid_input, "domain \"{}\" has servers already",
                  forward.domain.to_string());
    }
    if (forwards.size() == kMaximumDomains) {
      return fail(Errc::invalid_input, "more than {} domains", kMaximumDomains);
    }
    forwards.push_back(std::move(forward));
  }
  return forwards;
}

std::span<const IpAddress> find_domain_servers(std::span<const DomainForward> forwards,
                                               std::string_view labels) {
  const DomainForward* longest = nullptr;
  for (const auto& forward : forwards) {
    const auto domain = forward.domain.labels();
    if (longest != nullptr && domain.size() <= longest->domain.labels().size()) continue;
    if (is_within(labels, domain)) longest = &forward;
  }
  if (longest == nullptr) return {};
  return longest->servers;
}

}  // namespace burrow::dns
