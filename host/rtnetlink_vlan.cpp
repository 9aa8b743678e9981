// VLANs of bridges and their ports: what RouteSocket changes about them.
#include <linux/if_bridge.h>
#include <linux/if_link.h>

#include <cerrno>

#include "host/route_request.h"
#include "host/rtnetlink.h"

namespace burrow::host {
namespace {

constexpr uint16_t kFirstVlan = 1;
constexpr uint16_t kLastVlan = 4094;

RouteRequest& put_vlan(RouteRequest& request, uint16_t vlan, unsigned flags) {
  const bridge_vlan_info entry{.flags = static_cast<uint16_t>(flags), .vid = vlan};
  return request.put(IFLA_BRIDGE_VLAN_INFO, &entry, sizeof entry);
}

}  // namespace

Result<void> RouteSocket::set_vlan_filtering(const LinkName& bridge, VlanFiltering filtering) {
  RouteRequest request{RTM_NEWLINK, 0};
  request.header<ifinfomsg>();
  request.put(IFLA_IFNAME, bridge).nest(IFLA_LINKINFO, [&] {
    request.put(IFLA_INFO_KIND, std::string{"bridge"}).nest(IFLA_INFO_DATA, [&] {
      const uint8_t value = filtering == VlanFiltering::on ? 1 : 0;
      request.put(IFLA_BR_VLAN_FILTERING, &value, sizeof value);
    });
  });
  return explain_vlan_filtering(
      request.send(socket_.get(), fmt::format("switch VLAN filtering of bridge \"{}\" {}", bridge,
                                              to_string(filtering))),
      bridge);
}

Result<void> RouteSocket::explain_vlan_filtering(Result<void> result, const LinkName& bridge) {
  if (result || result.error().os_error != EOPNOTSUPP) return result;
  return fail(Errc::unsupported,
              "bridge \"{}\" cannot filter VLANs: the kernel was built without it "
              "(CONFIG_BRIDGE_VLAN_FILTERING)",
              bridge);
}

Result<void> RouteSocket::join_vlan(uint32_t port, uint16_t vlan) {
  const auto change = [&](int type, const auto& put) -> Result<void> {
    RouteRequest request{type, 0};
    auto& header = request.header<ifinfomsg>();
    header.ifi_family = AF_BRIDGE;
    header.ifi_index = static_cast<int>(port);
    request.nest(IFLA_AF_SPEC | NLA_F_NESTED, [&] { put(request); });
    return request.send(socket_.get(), fmt::format("put link {} into VLAN {}", port, vlan));
  };
  TRY_VOID(change(RTM_DELLINK, [](RouteRequest& request) {
    put_vlan(request, kFirstVlan, BRIDGE_VLAN_INFO_RANGE_BEGIN);
    put_vlan(request, kLastVlan, BRIDGE_VLAN_INFO_RANGE_END);
  }));
  return change(RTM_SETLINK, [&](RouteRequest& request) {
    put_vlan(request, vlan, BRIDGE_VLAN_INFO_PVID | BRIDGE_VLAN_INFO_UNTAGGED);
  });
}

std::string_view to_string(VlanFiltering filtering) {
  return filtering == VlanFiltering::on ? "on" : "off";
}

}  // namespace burrow::host
