// Split DNS: which servers know the names below a domain. Pure: text to values, names to servers.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "core/ip.h"
#include "core/result.h"
#include "dns/name.h"

namespace burrow::dns {

/// Servers for the names at and below a domain.
struct DomainForward {
  DomainName domain;
  std::vector<IpAddress> servers;
  friend bool operator==(const DomainForward&, const DomainForward&) = default;
};

/// Reads "DOMAIN=SERVER[,SERVER...][;DOMAIN=...]", each domain once, at most 64 domains of 16
/// servers. Errors: invalid_input.
Result<std::vector<DomainForward>> parse_domain_forwards(std::string_view text);

/// The servers of the longest domain that `labels`, a lower-case wire name without the root label,
/// lies at or below; empty when there is none.
std::span<const IpAddress> find_domain_servers(std::span<const DomainForward> forwards,
                                               std::string_view labels);

}  // namespace burrow::dns
