#include "netstack/dns_servers.h"

#include <algorithm>

#include "netstack/dns_file.h"

namespace burrow::netstack {

Result<std::string> with_servers(std::string_view content, const std::vector<IpAddress>& servers) {
  const auto header = header_of(content);
  const auto first = std::string_view{header}.substr(0, header.find('\n'));
  const auto listen = first.substr(0, first.find(' '));
  // What does not parse was not written by us and cannot be equal to a server.
  for (const auto& own : parse_servers(listen).value_or(std::vector<IpAddress>{})) {
    if (std::ranges::find(servers, own) == servers.end()) continue;
    return fail(Errc::invalid_input,
                "DNS server {} is the gateway of the network: queries would go in a circle",
                own.to_string());
  }
  auto changed = std::string{listen};
  for (size_t i = 0; i < servers.size(); ++i) {
    changed += fmt::format("{}{}", i == 0 ? ' ' : ',', servers[i].to_string());
  }
  // The network's own lines stay.
  changed += std::string_view{header}.substr(first.size());
  return with_header(content, changed);
}

Result<std::vector<IpAddress>> parse_servers(std::string_view text) {
  std::vector<IpAddress> servers;
  while (!text.empty()) {
    const auto comma = text.find(',');
    auto part = text.substr(0, comma);
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    if (!part.empty()) {
      const auto server = TRY(IpAddress::parse(part));
      if (std::ranges::find(servers, server) == servers.end()) servers.push_back(server);
    }
    text.remove_prefix(comma == text.npos ? text.size() : comma + 1);
  }
  return servers;
}

std::vector<std::string> dns_files_of(const NetworkName& network) {
  // The daemon writes its process number beside the files of networks.
  constexpr std::string_view kPidFile = "aardvark.pid";
  std::vector<std::string> files{network.str() + "%int"};
  if (network.str() != kPidFile) files.push_back(network.str());
  return files;
}

}  // namespace burrow::netstack
