#include "host/local_addresses.h"

#include <arpa/inet.h>
#include <ifaddrs.h>

#include <array>
#include <cerrno>
#include <memory>
#include <string_view>

namespace burrow::host {
namespace {

std::optional<IpAddress> address_of(const sockaddr* address) {
  if (address == nullptr) return std::nullopt;
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* bytes = nullptr;
  // NOLINTBEGIN(cppcoreguidelines-pro-type-reinterpret-cast): how the C library gives addresses
  if (address->sa_family == AF_INET) {
    bytes = &reinterpret_cast<const sockaddr_in*>(address)->sin_addr;
  } else if (address->sa_family == AF_INET6) {
    bytes = &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr;
  } else {
    return std::nullopt;
  }
  // NOLINTEND(cppcoreguidelines-pro-type-reinterpret-cast)
  if (::inet_ntop(address->sa_family, bytes, text.data(), text.size()) == nullptr) {
    return std::nullopt;
  }
  const auto parsed = IpAddress::parse(text.data());
  if (!parsed) return std::nullopt;
  return *parsed;
}

}  // namespace

Result<std::vector<LocalAddress>> local_addresses() {
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) return system_failure(errno, "list addresses of the host");
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner{first, ::freeifaddrs};
  std::vector<LocalAddress> addresses;
  for (const auto* entry = first; entry != nullptr; entry = entry->ifa_next) {
    const auto address = address_of(entry->ifa_addr);
    // Of an IPv4 address it is the label, which begins with the link's name (rtnetlink(7)).
    const std::string_view label{entry->ifa_name};
    const auto link = LinkName::parse(label.substr(0, label.find(':')));
    if (address && link) addresses.push_back({*link, *address});
  }
  return addresses;
}

}  // namespace burrow::host
