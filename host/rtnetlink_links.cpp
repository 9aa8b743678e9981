// Links: what RouteSocket asks and changes about them.
#include <linux/if.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/veth.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "host/route_request.h"
#include "host/rtnetlink.h"

namespace burrow::host {
namespace {

// Of a bridge that filters; a kernel that cannot says nothing of VLANs.
std::optional<uint16_t> default_vlan_of(nlattr* bridge) {
  const Attributes<IFLA_BR_MAX> attributes{bridge};
  const auto filtering = attributes.bytes(IFLA_BR_VLAN_FILTERING);
  if (filtering.empty() || filtering.front() == 0) return std::nullopt;
  uint16_t vlan = 0;
  if (const auto bytes = attributes.bytes(IFLA_BR_VLAN_DEFAULT_PVID); bytes.size() == sizeof vlan) {
    std::memcpy(&vlan, bytes.data(), sizeof vlan);
  }
  return vlan;
}

BridgedPackets bridged_packets_of(nlattr* bridge) {
  const Attributes<IFLA_BR_MAX> attributes{bridge};
  for (const auto type : {IFLA_BR_NF_CALL_IPTABLES, IFLA_BR_NF_CALL_IP6TABLES}) {
    const auto flag = attributes.bytes(type);
    if (flag.empty() || flag.front() == 0) return BridgedPackets::past_firewall;
  }
  return BridgedPackets::through_firewall;
}

Link parse_link(nlmsghdr* message) {
  const auto& header = header_of<ifinfomsg>(message);
  const Attributes<IFLA_MAX> attributes{message, sizeof(ifinfomsg)};
  Link link{.index = static_cast<uint32_t>(header.ifi_index),
            .name = attributes.text(IFLA_IFNAME),
            .mtu = attributes.u32(IFLA_MTU).value_or(0),
            .is_up = (header.ifi_flags & IFF_UP) != 0,
            .is_loopback = (header.ifi_flags & IFF_LOOPBACK) != 0,
            .alias = attributes.text(IFLA_IFALIAS),
            .master = attributes.u32(IFLA_MASTER)};
  const Attributes<IFLA_INFO_MAX> details{attributes[IFLA_LINKINFO]};
  link.kind = details.text(IFLA_INFO_KIND);
  if (link.kind == "bridge") {
    link.default_vlan = default_vlan_of(details[IFLA_INFO_DATA]);
    link.bridged_packets = bridged_packets_of(details[IFLA_INFO_DATA]);
  }
  if (const auto bytes = attributes.bytes(IFLA_ADDRESS); bytes.size() == 6) {
    std::array<uint8_t, 6> mac{};
    std::ranges::copy(bytes, mac.begin());
    link.mac = MacAddress{mac};
  }
  return link;
}

}  // namespace

Result<std::optional<Link>> RouteSocket::find_link(const LinkName& name) {
  RouteRequest request{RTM_GETLINK, 0};
  request.header<ifinfomsg>();
  request.put(IFLA_IFNAME, name);
  std::optional<Link> link;
  auto sent = request.send(socket_.get(), fmt::format("find link \"{}\"", name),
                           [&](nlmsghdr* message) { link = parse_link(message); });
  if (!sent && sent.error().code != Errc::not_found) return Failure{std::move(sent).error()};
  return link;
}

Result<Link> RouteSocket::get_link(uint32_t index) {
  RouteRequest request{RTM_GETLINK, 0};
  request.header<ifinfomsg>().ifi_index = static_cast<int>(index);
  Link link;
  TRY_VOID(request.send(socket_.get(), fmt::format("get link {}", index),
                        [&](nlmsghdr* message) { link = parse_link(message); }));
  return link;
}

Result<std::vector<Link>> RouteSocket::some_links_of(uint32_t master, size_t limit) {
  auto socket = TRY(open());
  RouteRequest request{RTM_GETLINK, NLM_F_DUMP};
  request.header<ifinfomsg>();
  request.put(IFLA_MASTER, master).put(IFLA_EXT_MASK, uint32_t{RTEXT_FILTER_SKIP_STATS});
  std::vector<Link> links;
  auto sent = request.send(
      socket.socket_.get(), "list ports",
      [&](nlmsghdr* message) {
        auto link = parse_link(message);
        if (link.master == master) links.push_back(std::move(link));
      },
      [&] { return links.size() >= limit; });
  // Links that come and go meanwhile are no reason to ask again: which they are does not matter.
  if (!sent && sent.error().code != Errc::changed) return Failure{std::move(sent).error()};
  return links;
}

Result<std::vector<Link>> RouteSocket::links() {
  for (int attempt = 1;; ++attempt) {
    RouteRequest request{RTM_GETLINK, NLM_F_DUMP};
    request.header<ifinfomsg>();
    request.put(IFLA_EXT_MASK, uint32_t{RTEXT_FILTER_SKIP_STATS});
    std::vector<Link> links;
    auto sent = request.send(socket_.get(), "list links",
                             [&](nlmsghdr* message) { links.push_back(parse_link(message)); });
    if (sent) return links;
    if (sent.error().code != Errc::changed || attempt == kDumpAttempts) {
      return Failure{std::move(sent).error()};
    }
  }
}

Result<void> RouteSocket::create_bridge(const NewBridge& bridge) {
  RouteRequest request{RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL};
  request.header<ifinfomsg>();
  request.put(IFLA_IFNAME, bridge.name).put(IFLA_ADDRESS, bridge.mac.bytes());
  if (bridge.mtu) request.put(IFLA_MTU, *bridge.mtu);
  if (bridge.vrf) {
    const auto vrf = TRY(find_link(*bridge.vrf));
    if (!vrf) return fail(Errc::not_found, "vrf \"{}\" does not exist", *bridge.vrf);
    request.put(IFLA_MASTER, vrf->index);
  }
  request.nest(IFLA_LINKINFO, [&] {
    request.put(IFLA_INFO_KIND, std::string{"bridge"});
    if (!bridge.vlan) return;
    request.nest(IFLA_INFO_DATA, [&] {
      const uint8_t on = 1;
      request.put(IFLA_BR_VLAN_FILTERING, &on, sizeof on)
          .put(IFLA_BR_VLAN_DEFAULT_PVID, &*bridge.vlan, sizeof *bridge.vlan);
    });
  });
  auto made = request.send(socket_.get(), fmt::format("create bridge \"{}\"", bridge.name));
  return bridge.vlan ? explain_vlan_filtering(std::move(made), bridge.name) : made;
}

Result<void> RouteSocket::set_bridged_packets(const LinkName& bridge, BridgedPackets packets) {
  RouteRequest request{RTM_NEWLINK, 0};
  request.header<ifinfomsg>();
  request.put(IFLA_IFNAME, bridge).nest(IFLA_LINKINFO, [&] {
    request.put(IFLA_INFO_KIND, std::string{"bridge"}).nest(IFLA_INFO_DATA, [&] {
      const uint8_t value = packets == BridgedPackets::through_firewall ? 1 : 0;
      request.put(IFLA_BR_NF_CALL_IPTABLES, &value, sizeof value)
          .put(IFLA_BR_NF_CALL_IP6TABLES, &value, sizeof value);
    });
  });
  return request.send(socket_.get(),
                      fmt::format("lead bridged packets of \"{}\" {}", bridge, to_string(packets)));
}

std::string_view to_string(BridgedPackets packets) {
  return packets == BridgedPackets::through_firewall ? "through the firewall" : "past the firewall";
}

Result<void> RouteSocket::create_veth(const NewVeth& veth, const NetNs& peer_namespace) {
  const auto bridge = TRY(find_link(veth.bridge));
  if (!bridge) return fail(Errc::not_found, "bridge \"{}\" does not exist", veth.bridge);
  RouteRequest request{RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL};
  auto& header = request.header<ifinfomsg>();
  // A port is in the bridge's own VLAN until it is in its own one: not a frame must pass before.
  if (!veth.vlan) header.ifi_flags = header.ifi_change = IFF_UP;
  request.put(IFLA_IFNAME, veth.name)
      .put(IFLA_ADDRESS, veth.mac.bytes())
      .put(IFLA_MASTER, bridge->index);
  if (veth.mtu) request.put(IFLA_MTU, *veth.mtu);
  request.nest(IFLA_LINKINFO, [&] {
    request.put(IFLA_INFO_KIND, std::string{"veth"}).nest(IFLA_INFO_DATA, [&] {
      request.nest(VETH_INFO_PEER, [&] {
        request.nested_header<ifinfomsg>();
        request.put(IFLA_IFNAME, veth.peer_name)
            .put(IFLA_ADDRESS, veth.peer_mac.bytes())
            .put(IFLA_NET_NS_FD, static_cast<uint32_t>(peer_namespace.fd().get()));
        if (veth.mtu) request.put(IFLA_MTU, *veth.mtu);
      });
    });
  });
  auto sent = request.send(
      socket_.get(), fmt::format("create veth pair \"{}\" and \"{}\"", veth.name, veth.peer_name));
  if (!sent && sent.error().os_error == EXFULL) {
    return fail(Errc::exhausted, "bridge \"{}\" is full: the kernel allows 1023 ports",
                veth.bridge);
  }
  if (!sent || !veth.vlan) return sent;
  const auto port = TRY(find_link(veth.name));
  if (!port) return fail(Errc::not_found, "link \"{}\" does not exist", veth.name);
  auto joined = join_vlan(port->index, *veth.vlan);
  if (joined) joined = set_up(veth.name);
  if (!joined) TRY_VOID(delete_link(veth.name));
  return joined;
}

Result<void> RouteSocket::change_flags(const LinkName& name, unsigned flags) {
  RouteRequest request{RTM_NEWLINK, 0};
  auto& header = request.header<ifinfomsg>();
  header.ifi_flags = flags;
  header.ifi_change = IFF_UP;
  request.put(IFLA_IFNAME, name);
  return request.send(socket_.get(),
                      fmt::format("set link \"{}\" {}", name, flags != 0 ? "up" : "down"));
}

Result<void> RouteSocket::set_up(const LinkName& name) { return change_flags(name, IFF_UP); }

Result<void> RouteSocket::set_down(const LinkName& name) { return change_flags(name, 0); }

Result<void> RouteSocket::set_mtu(uint32_t link, uint32_t mtu) {
  RouteRequest request{RTM_NEWLINK, 0};
  request.header<ifinfomsg>().ifi_index = static_cast<int>(link);
  request.put(IFLA_MTU, mtu);
  return request.send(socket_.get(), fmt::format("set the MTU of link {} to {}", link, mtu));
}

Result<void> RouteSocket::enable_hairpin(uint32_t port) {
  RouteRequest request{RTM_SETLINK, 0};
  auto& header = request.header<ifinfomsg>();
  header.ifi_family = AF_BRIDGE;
  header.ifi_index = static_cast<int>(port);
  const uint8_t on = 1;
  request.nest(IFLA_PROTINFO | NLA_F_NESTED,
               [&] { request.put(IFLA_BRPORT_MODE, &on, sizeof on); });
  return request.send(socket_.get(), fmt::format("enable hairpin mode on link {}", port));
}

Result<void> RouteSocket::delete_link(const LinkName& name) {
  RouteRequest request{RTM_DELLINK, 0};
  request.header<ifinfomsg>();
  request.put(IFLA_IFNAME, name);
  return request.send(socket_.get(), fmt::format("delete link \"{}\"", name));
}

Result<void> RouteSocket::delete_links(const std::vector<uint32_t>& indexes) {
  if (indexes.empty()) return {};
  RouteRequest request{RTM_DELLINK, 0};
  auto& header = request.header<ifinfomsg>();
  if (indexes.size() == 1) {
    header.ifi_index = static_cast<int>(indexes.front());
    return request.send(socket_.get(), fmt::format("delete link {}", indexes.front()));
  }
  // A group that nobody else uses while we live.
  const uint32_t group = 0x62000000U | (static_cast<uint32_t>(::getpid()) & 0xffffffU);
  for (const auto index : indexes) {
    RouteRequest join{RTM_SETLINK, 0};
    join.header<ifinfomsg>().ifi_index = static_cast<int>(index);
    join.put(IFLA_GROUP, group);
    auto joined = join.send(socket_.get(), fmt::format("group link {}", index));
    // One that vanished meanwhile must not keep the others.
    if (!joined && joined.error().code != Errc::not_found) return joined;
  }
  request.put(IFLA_GROUP, group);
  return request.send(socket_.get(), fmt::format("delete {} links", indexes.size()));
}

}  // namespace burrow::host
