#include "engine/host_view.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <bit>
#include <cerrno>
#include <charconv>
#include <memory>

#include "host/file.h"

namespace burrow::engine {
namespace {

// Splits a line of a kernel table at blanks.
std::vector<std::string_view> fields_of(std::string_view line) {
  std::vector<std::string_view> fields;
  while (true) {
    const auto start = line.find_first_not_of(" \t");
    if (start == std::string_view::npos) return fields;
    const auto end = std::min(line.find_first_of(" \t", start), line.size());
    fields.push_back(line.substr(start, end - start));
    line.remove_prefix(end);
  }
}

template <typename Visit>
void for_each_line(std::string_view text, Visit visit) {
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    visit(fields_of(text.substr(0, end)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

uint32_t hexadecimal(std::string_view text) {
  uint32_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value, 16);
  return value;
}

void add(std::vector<IpNetwork>& prefixes, const IpAddress& address, unsigned prefix_length) {
  // Length 0 is the default route, which every network shares.
  if (prefix_length == 0 || address.is_loopback() || address.is_multicast()) return;
  if (address.is_v6() && address.is_link_local()) return;
  const auto prefix = IpNetwork::containing(address, static_cast<uint8_t>(prefix_length));
  if (prefix) prefixes.push_back(*prefix);
}

unsigned ones(const sockaddr* mask) {
  unsigned count = 0;
  if (mask->sa_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(mask);
    count = static_cast<unsigned>(std::popcount(v4->sin_addr.s_addr));
  } else {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(mask);
    for (const auto byte : v6->sin6_addr.s6_addr) {
      count += static_cast<unsigned>(std::popcount(byte));
    }
  }
  return count;
}

Result<void> add_addresses(HostView& view) {
  ifaddrs* raw = nullptr;
  if (::getifaddrs(&raw) != 0) return system_failure(errno, "list addresses");
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> all{raw, &::freeifaddrs};
  for (const auto* one = all.get(); one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr || one->ifa_netmask == nullptr) continue;
    if (one->ifa_addr->sa_family == AF_INET) {
      const auto* v4 = reinterpret_cast<const sockaddr_in*>(one->ifa_addr);
      add(view.prefixes, IpAddress::v4(ntohl(v4->sin_addr.s_addr)), ones(one->ifa_netmask));
    } else if (one->ifa_addr->sa_family == AF_INET6) {
      const auto* v6 = reinterpret_cast<const sockaddr_in6*>(one->ifa_addr);
      add(view.prefixes, IpAddress::from_bytes(v6->sin6_addr.s6_addr), ones(one->ifa_netmask));
    }
  }
  return {};
}

// Fields: interface, destination and further ones in hexadecimal; the mask is the eighth.
Result<void> add_ipv4_routes(HostView& view) {
  const auto table = TRY(host::read_file_if_exists("/proc/net/route"));
  for_each_line(table.value_or(""), [&](const auto& fields) {
    if (fields.size() < 8 || fields[0] == "Iface") return;
    add(view.prefixes, IpAddress::v4(ntohl(hexadecimal(fields[1]))),
        static_cast<unsigned>(std::popcount(hexadecimal(fields[7]))));
  });
  return {};
}

// Fields: destination as 32 hexadecimal digits, its prefix length, and others.
Result<void> add_ipv6_routes(HostView& view) {
  const auto table = TRY(host::read_file_if_exists("/proc/net/ipv6_route"));
  for_each_line(table.value_or(""), [&](const auto& fields) {
    if (fields.size() < 10 || fields[0].size() != 32 || fields[9] == "lo") return;
    std::array<uint8_t, 16> bytes{};
    for (size_t i = 0; i < bytes.size(); ++i) {
      bytes.at(i) = static_cast<uint8_t>(hexadecimal(fields[0].substr(2 * i, 2)));
    }
    add(view.prefixes, IpAddress::from_bytes(bytes), hexadecimal(fields[1]));
  });
  return {};
}

}  // namespace

Result<HostView> observe_host() {
  HostView view;
  const std::unique_ptr<struct if_nameindex, decltype(&::if_freenameindex)> links{
      ::if_nameindex(), &::if_freenameindex};
  if (links == nullptr) return system_failure(errno, "list links");
  for (const auto* link = links.get(); link->if_index != 0; ++link) {
    view.links.emplace_back(link->if_name);
  }
  TRY_VOID(add_addresses(view));
  TRY_VOID(add_ipv4_routes(view));
  TRY_VOID(add_ipv6_routes(view));
  return view;
}

Result<std::string> read_boot_id() {
  auto text = TRY(host::read_file("/proc/sys/kernel/random/boot_id"));
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

}  // namespace burrow::engine
