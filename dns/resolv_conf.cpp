#include "dns/resolv_conf.h"

#include <algorithm>

namespace burrow::dns {
namespace {

constexpr size_t kMaximumServers = 3;
constexpr size_t kMaximumComplaints = 10;
constexpr size_t kMaximumZoneSize = 15;
constexpr std::string_view kSpaces = " \t\r\f\v";

std::string_view take_word(std::string_view& rest) {
  rest.remove_prefix(std::min(rest.find_first_not_of(kSpaces), rest.size()));
  const auto word = rest.substr(0, rest.find_first_of(kSpaces));
  rest.remove_prefix(word.size());
  return word;
}

Result<Nameserver> parse_nameserver(std::string_view word) {
  const auto percent = word.find('%');
  Nameserver server{.address = TRY(IpAddress::parse(word.substr(0, percent)))};
  if (percent == word.npos) return server;
  server.zone = word.substr(percent + 1);
  if (server.address.is_v4() || server.zone.empty() || server.zone.size() > kMaximumZoneSize) {
    return fail(Errc::invalid_input, "invalid zone: \"{}\"", word.substr(0, 64));
  }
  return server;
}

}  // namespace

ResolvConf parse_resolv_conf(std::string_view content) {
  ResolvConf result;
  while (!content.empty() && result.nameservers.size() < kMaximumServers) {
    auto line = content.substr(0, content.find('\n'));
    content.remove_prefix(std::min(content.size(), line.size() + 1));
    line = line.substr(0, line.find_first_of("#;"));
    if (take_word(line) != "nameserver") continue;
    const auto word = take_word(line);
    if (word.empty()) continue;
    auto server = parse_nameserver(word);
    if (!server) {
      if (result.complaints.size() < kMaximumComplaints) {
        result.complaints.push_back(std::move(server).error().message);
      }
    } else if (std::ranges::find(result.nameservers, *server) == result.nameservers.end()) {
      result.nameservers.push_back(*std::move(server));
    }
  }
  return result;
}

bool is_stub_only(const ResolvConf& resolv_conf) {
  static const IpAddress kStub = IpAddress::v4(0x7f000035);  // 127.0.0.53
  return resolv_conf.nameservers.size() == 1 && resolv_conf.nameservers[0].address == kStub;
}

}  // namespace burrow::dns
