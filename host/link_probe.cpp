#include "host/link_probe.h"

#include <linux/if_link.h>
#include <net/if.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>

#include <cerrno>
#include <memory>

#include "host/route_request.h"

namespace burrow::host {
namespace {

// IPVLAN_MODE_L2 and MACVLAN_MODE_BRIDGE of linux/if_link.h; any mode would do.
constexpr uint16_t kIpvlanMode = IPVLAN_MODE_L2;
constexpr uint32_t kMacvlanMode = MACVLAN_MODE_BRIDGE;
constexpr uint32_t kVrfTable = 1000;

struct Close {
  void operator()(nl_sock* socket) const { nl_socket_free(socket); }
};
using Socket = std::unique_ptr<nl_sock, Close>;

Result<Socket> connect() {
  Socket socket{nl_socket_alloc()};
  if (!socket || nl_connect(socket.get(), NETLINK_ROUTE) != 0) {
    return fail(Errc::system, "cannot open a socket to rtnetlink");
  }
  return socket;
}

// `put_data` puts what stands in IFLA_INFO_DATA.
template <typename PutData>
Result<void> make(nl_sock* socket, const std::string& kind, const std::string& name,
                  std::optional<uint32_t> parent, PutData put_data) {
  RouteRequest request{RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK};
  request.header<ifinfomsg>();
  request.put(IFLA_IFNAME, name);
  if (parent) request.put(IFLA_LINK, *parent);
  request.nest(IFLA_LINKINFO, [&] {
    request.put(IFLA_INFO_KIND, kind);
    request.nest(IFLA_INFO_DATA, [&] { put_data(request); });
  });
  return request.send(socket, fmt::format("make a link of kind {}", kind));
}

Result<void> make(nl_sock* socket, const std::string& kind, const std::string& name) {
  return make(socket, kind, name, std::nullopt, [](RouteRequest&) {});
}

// macvlan and ipvlan need a link that can hold them.
Result<uint32_t> make_parent(nl_sock* socket, const std::string& name) {
  TRY_VOID(make(socket, "veth", name));
  const unsigned index = ::if_nametoindex(name.c_str());
  if (index == 0) return system_failure(errno, fmt::format("find link \"{}\"", name));
  return index;
}

// A kernel without VLAN filtering takes the attribute and forgets it.
Result<void> check_vlan_filtering(nl_sock* socket, const std::string& name) {
  RouteRequest request{RTM_GETLINK, 0};
  request.header<ifinfomsg>();
  request.put(IFLA_IFNAME, name);
  bool is_on = false;
  TRY_VOID(request.send(socket, fmt::format("find link \"{}\"", name), [&](nlmsghdr* message) {
    const Attributes<IFLA_MAX> attributes{message, sizeof(ifinfomsg)};
    const Attributes<IFLA_INFO_MAX> about{attributes[IFLA_LINKINFO]};
    const Attributes<IFLA_BR_MAX> bridge{about[IFLA_INFO_DATA]};
    const auto value = bridge.bytes(IFLA_BR_VLAN_FILTERING);
    is_on = !value.empty() && value.front() == 1;
  }));
  if (is_on) return {};
  return fail(Errc::unsupported, "the kernel's bridges do not filter VLANs");
}

Result<void> make_filtering_bridge(nl_sock* socket) {
  const std::string name = "probe-vlans";
  TRY_VOID(make(socket, "bridge", name, std::nullopt, [](RouteRequest& request) {
    const uint8_t on = 1;
    request.put(IFLA_BR_VLAN_FILTERING, &on, sizeof on);
  }));
  return check_vlan_filtering(socket, name);
}

}  // namespace

Result<void> try_link_kind(LinkKind kind) {
  const auto socket = TRY(connect());
  auto* const route = socket.get();
  switch (kind) {
    case LinkKind::veth:
      return make(route, "veth", "probe-veth");
    case LinkKind::bridge:
      return make(route, "bridge", "probe-bridge");
    case LinkKind::bridge_with_vlans:
      return make_filtering_bridge(route);
    case LinkKind::macvlan:
      return make(route, "macvlan", "probe-macvlan", TRY(make_parent(route, "probe-up0")),
                  [](RouteRequest& request) { request.put(IFLA_MACVLAN_MODE, kMacvlanMode); });
    case LinkKind::ipvlan:
      return make(route, "ipvlan", "probe-ipvlan", TRY(make_parent(route, "probe-up1")),
                  [](RouteRequest& request) {
                    request.put(IFLA_IPVLAN_MODE, &kIpvlanMode, sizeof kIpvlanMode);
                  });
    case LinkKind::vrf:
      return make(route, "vrf", "probe-vrf", std::nullopt,
                  [](RouteRequest& request) { request.put(IFLA_VRF_TABLE, kVrfTable); });
  }
  return {};
}

}  // namespace burrow::host
