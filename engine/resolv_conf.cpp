#include "engine/resolv_conf.h"

#include <algorithm>

#include "engine/text_lines.h"

namespace burrow::engine {
namespace {

void put_unique(std::vector<std::string>& list, const std::string& text) {
  if (std::ranges::find(list, text) == list.end()) list.push_back(text);
}

// Whether a server of the host can be reached from another network namespace.
bool is_reachable(const std::string& server, bool has_ipv6) {
  if (server.find('%') != std::string::npos) return false;
  const auto address = IpAddress::parse(server);
  return address && !address->is_loopback() && (address->is_v4() || has_ipv6);
}

std::vector<std::string> host_servers(const ResolverSources& sources) {
  std::vector<std::string> servers;
  for (const auto& server : sources.host.servers) {
    if (is_reachable(server, sources.has_ipv6)) put_unique(servers, server);
  }
  if (servers.empty()) {
    servers = {"8.8.8.8", "8.8.4.4"};
    if (sources.has_ipv6) {
      servers.emplace_back("2001:4860:4860::8888");
      servers.emplace_back("2001:4860:4860::8844");
    }
  }
  return servers;
}

}  // namespace

ResolvConf parse_resolv_conf(std::string_view text) {
  ResolvConf conf;
  for (const auto line : lines_of(text)) {
    if (line.starts_with(';')) continue;
    const auto words = words_of(line);
    if (words.size() < 2) continue;
    const std::vector<std::string> values{words.begin() + 1, words.end()};
    if (words[0] == "nameserver") conf.servers.push_back(values.front());
    // Of several such lines the last counts.
    if (words[0] == "search" || words[0] == "domain") conf.searches = values;
    if (words[0] == "options") conf.options = values;
  }
  return conf;
}

std::string render(const ResolvConf& conf) {
  std::string text;
  if (!conf.searches.empty()) text += fmt::format("search {}\n", fmt::join(conf.searches, " "));
  for (const auto& server : conf.servers) text += fmt::format("nameserver {}\n", server);
  if (!conf.options.empty()) text += fmt::format("options {}\n", fmt::join(conf.options, " "));
  return text;
}

ResolvConf plan_resolver(const ResolverSources& sources) {
  ResolvConf conf{.options = sources.host.options};
  const auto& chosen = sources.network_servers.empty() ? sources.wanted : sources.network_servers;
  for (const auto& server : chosen) put_unique(conf.servers, server.to_string());
  if (conf.servers.empty()) conf.servers = host_servers(sources);
  for (const auto& search : sources.network_searches) put_unique(conf.searches, search);
  for (const auto& search : sources.host.searches) put_unique(conf.searches, search);
  return conf;
}

std::string add_servers(std::string_view text, const std::vector<IpAddress>& servers) {
  auto conf = parse_resolv_conf(text);
  std::vector<std::string> all;
  for (const auto& server : servers) put_unique(all, server.to_string());
  for (const auto& server : conf.servers) put_unique(all, server);
  conf.servers = std::move(all);
  return render(conf);
}

std::string remove_servers(std::string_view text, const std::vector<IpAddress>& servers) {
  auto conf = parse_resolv_conf(text);
  std::erase_if(conf.servers, [&](const std::string& server) {
    return std::ranges::any_of(
        servers, [&](const IpAddress& address) { return address.to_string() == server; });
  });
  return render(conf);
}

}  // namespace burrow::engine
