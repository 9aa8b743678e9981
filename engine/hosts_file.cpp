#include "engine/hosts_file.h"

#include <algorithm>
#include <set>

#include "engine/text_lines.h"

namespace burrow::engine {
namespace {

using Names = std::set<std::string, std::less<>>;

template <typename Words>
void put_line(std::string& text, std::string_view address, const Words& names) {
  text += fmt::format("{}\t{}\n", address, fmt::join(names, " "));
}

// A line for those of `names` that no line above has.
void put_new_names(std::string& text, const Names& above, std::string_view address,
                   const std::vector<std::string>& names) {
  std::vector<std::string> fresh;
  for (const auto& name : names) {
    const bool is_fresh =
        !name.empty() && !above.contains(name) && std::ranges::find(fresh, name) == fresh.end();
    if (is_fresh) fresh.push_back(name);
  }
  if (!fresh.empty()) put_line(text, address, fresh);
}

}  // namespace

Result<std::string> render_hosts(const HostsContent& content) {
  std::string text;
  Names above;
  for (const auto& entry : content.added) {
    const auto address = entry.address ? entry.address : content.host_address;
    if (!address) {
      return fail(Errc::invalid_input,
                  "unable to replace \"host-gateway\" of host entry \"{}\": host has no address "
                  "that the container reaches",
                  entry.names.front());
    }
    put_line(text, address->to_string(), entry.names);
    above.insert(entry.names.begin(), entry.names.end());
  }
  for (const auto line : lines_of(content.base)) {
    auto words = words_of(line);
    if (words.size() < 2) continue;
    const auto address = words.front();
    words.erase(words.begin());
    put_line(text, address, words);
    above.insert(words.begin(), words.end());
  }
  // Judged against the entries above alone, so that several addresses keep the same names.
  put_new_names(text, above, "127.0.0.1", {"localhost"});
  put_new_names(text, above, "::1", {"localhost"});
  if (content.host_address) {
    put_new_names(text, above, content.host_address->to_string(),
                  {"host.containers.internal", "host.docker.internal"});
  }
  for (const auto& address : content.addresses) {
    put_new_names(text, above, address.to_string(), content.names);
  }
  if (content.addresses.empty()) put_new_names(text, above, "127.0.0.1", content.names);
  return text;
}

std::string add_host_lines(std::string_view text, const std::vector<IpAddress>& addresses,
                           const std::vector<std::string>& names) {
  std::string result{text};
  if (!result.empty() && result.back() != '\n') result += '\n';
  for (const auto& address : addresses) {
    put_new_names(result, {}, address.to_string(), names);
  }
  return result;
}

std::string remove_host_lines(std::string_view text, const std::vector<IpAddress>& addresses,
                              const std::vector<std::string>& names) {
  std::string result;
  for (const auto line : lines_of(text)) {
    const auto words = words_of(line);
    const auto is_ours = [&] {
      if (words.size() < 2) return false;
      const auto address = IpAddress::parse(words.front());
      if (!address || std::ranges::find(addresses, *address) == addresses.end()) return false;
      return std::ranges::any_of(words.begin() + 1, words.end(), [&](std::string_view word) {
        return std::ranges::find(names, word) != names.end();
      });
    };
    if (!is_ours()) result += fmt::format("{}\n", line);
  }
  return result;
}

}  // namespace burrow::engine
