// The text files that tell the DNS daemon who is on a network, in aardvark-dns's grammar. Pure:
// text in, text out. One file per network, named after it, with "%int" behind an internal one's.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/ip.h"
#include "core/names.h"

namespace burrow::netstack {

/// The first line: where the daemon listens for this network, and its upstream servers. Then what
/// the network's definition says about names, as lines (dns_records.h).
struct DnsHeader {
  std::vector<IpAddress> listen;
  std::vector<IpAddress> servers;
  std::vector<std::string> lines;
};

/// The line of one container on the network, and records of its own.
struct DnsEntry {
  ContainerId container;
  std::vector<IpAddress> addresses;
  std::vector<std::string> names;
  std::vector<IpAddress> servers;
  std::vector<std::string> lines;
};

/// Whether `name` can stand in the file: not empty, no comma, white space or control character.
bool is_dns_name(std::string_view name);

std::string encode(const DnsHeader& header);
std::string encode(const DnsEntry& entry);

/// The header of a file: its first line and the lines of the network itself.
std::string header_of(std::string_view content);

/// `content` with `header` in place of its own and the container's lines put last.
std::string with_entry(std::string_view content, std::string_view header, std::string_view entry,
                       const ContainerId& container);

/// `content` with another header.
std::string with_header(std::string_view content, std::string_view header);

/// `content` without the lines of `container`; nothing when no container is left.
std::optional<std::string> without_entry(std::string_view content, const ContainerId& container);

}  // namespace burrow::netstack
