// Where the proxy is found when nobody says otherwise. Words, for the proxy and its callers.
#pragma once

#include <array>
#include <string_view>

namespace burrow::dhcp {

struct Place {
  std::string_view directory;
  std::string_view socket_name;
};

constexpr Place kOwnPlace{"/run/burrow", "dhcp.sock"};
/// The place of netavark's proxy, so that its systemd units work with ours.
constexpr Place kNetavarkPlace{"/run/podman", "nv-proxy.sock"};
/// The program's name when it stands in for netavark's.
constexpr std::string_view kNetavarkName = "netavark-dhcp-proxy";
/// The environment variable by which callers are sent elsewhere.
constexpr const char* kSocketVariable = "BURROW_DHCP_SOCKET";

}  // namespace burrow::dhcp
