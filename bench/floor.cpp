// The kernel's floor: what connecting a container to a bridge costs when a program does nothing
// else. Talks netlink by hand, allocates nothing, links nothing, keeps no records, undoes nothing;
// so it is the measure for programs that do, and no example of how to write one.
//
//   bench-floor nothing                             the cost of a process
//   bench-floor setup NETNS NUMBER PORTS            connects container NUMBER (from 0)
//   bench-floor teardown NETNS NUMBER PORTS [last]  and disconnects it; the last with the bridge
//   bench-floor lan-setup KIND NETNS NUMBER         a link on the uplink: macvlan or ipvlan
//   bench-floor lan-teardown NETNS                  and deletes it
//
// The network is the one of bench/setup: bridge bench0, 10.88.0.0/16, container NUMBER at
// 10.88.0.2 + NUMBER, its port 8000 + i published as 10000 + NUMBER * PORTS + i over tcp.
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <string_view>

#include "floor_firewall.h"

namespace {

using namespace bench;

constexpr char kBridge[] = "bench0";
constexpr char kContainerLink[] = "eth0";
constexpr char kParent[] = "uplink";
constexpr uint32_t kGateway = 0x0A580001;  // 10.88.0.1
constexpr uint8_t kPrefixLength = 16;
constexpr uint32_t kFirstAddress = kGateway + 1;

// ---- links, addresses, routes -------------------------------------------------------------------

/// Index of a link, or 0.
int link_index(int fd, const char* name) {
  ifreq request{};
  std::strncpy(request.ifr_name, name, sizeof request.ifr_name - 1);
  return ::ioctl(fd, SIOCGIFINDEX, &request) == 0 ? request.ifr_ifindex : 0;
}

/// Writes a value below /proc/sys/net of the caller's namespace.
void write_sysctl(const char* path, std::string_view value) {
  const int fd = ::open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) die(path, errno);
  if (::write(fd, value.data(), value.size()) < 0) die(path, errno);
  ::close(fd);
}

void add_address(Batch& batch, int index, uint32_t address, uint16_t flags) {
  batch.begin(RTM_NEWADDR, static_cast<uint16_t>(NLM_F_CREATE | NLM_F_EXCL | flags),
              ifaddrmsg{.ifa_family = AF_INET,
                        .ifa_prefixlen = kPrefixLength,
                        .ifa_flags = 0,
                        .ifa_scope = RT_SCOPE_UNIVERSE,
                        .ifa_index = static_cast<uint32_t>(index)});
  batch.attribute(IFA_LOCAL, htonl(address));
  batch.attribute(IFA_BROADCAST, htonl(address | (0xFFFFFFFFU >> kPrefixLength)));
}

void set_up(Batch& batch, int index, uint16_t flags) {
  batch.begin(RTM_NEWLINK, flags,
              ifinfomsg{.ifi_family = AF_UNSPEC,
                        .ifi_type = 0,
                        .ifi_index = index,
                        .ifi_flags = IFF_UP,
                        .ifi_change = IFF_UP});
}

int create_bridge(Batch& batch, int fd) {
  batch.begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, ifinfomsg{});
  batch.text(IFLA_IFNAME, kBridge);
  batch.nest(IFLA_LINKINFO, [&] { batch.text(IFLA_INFO_KIND, "bridge"); });
  batch.send(fd, "create bridge");
  const int index = link_index(fd, kBridge);
  write_sysctl("/proc/sys/net/ipv4/ip_forward", "1");
  write_sysctl("/proc/sys/net/ipv4/conf/bench0/route_localnet", "1");
  write_sysctl("/proc/sys/net/ipv4/conf/bench0/rp_filter", "2");
  add_address(batch, index, kGateway, 0);
  set_up(batch, index, NLM_F_ACK);
  batch.send(fd, "configure bridge");
  return index;
}

/// The veth pair whole: the host's end up and a port of the bridge, the peer in `netns`.
void create_veth(Batch& batch, int fd, int bridge, int netns, const char* name, uint32_t number) {
  const uint32_t low = htonl(number);
  unsigned char mac[6] = {0x02, 0xBE};
  std::memcpy(mac + 2, &low, sizeof low);
  const ifinfomsg up{.ifi_flags = IFF_UP, .ifi_change = IFF_UP};
  batch.begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, up);
  batch.text(IFLA_IFNAME, name);
  batch.attribute(IFLA_MASTER, bridge);
  batch.nest(IFLA_LINKINFO, [&] {
    batch.text(IFLA_INFO_KIND, "veth");
    batch.nest(IFLA_INFO_DATA, [&] {
      batch.nest(VETH_INFO_PEER, [&] {
        batch.raw(ifinfomsg{});
        batch.text(IFLA_IFNAME, kContainerLink);
        batch.attribute(IFLA_ADDRESS, mac);
        batch.attribute(IFLA_NET_NS_FD, netns);
      });
    });
  });
  batch.send(fd, "create veth");
}

/// A link of the uplink's, born in `netns`. Without details, which are then the kernel's.
void create_lan_link(Batch& batch, int fd, const char* kind, int netns) {
  const int parent = link_index(fd, kParent);
  if (parent == 0) die(kParent, ENODEV);
  batch.begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, ifinfomsg{});
  batch.text(IFLA_IFNAME, kContainerLink);
  batch.attribute(IFLA_LINK, parent);
  batch.attribute(IFLA_NET_NS_FD, netns);
  batch.nest(IFLA_LINKINFO, [&] { batch.text(IFLA_INFO_KIND, kind); });
  batch.send(fd, "create LAN link");
}

/// The container's side, by a caller that stands in its namespace.
void configure_container(Batch& batch, uint32_t address) {
  const int fd = open_netlink(NETLINK_ROUTE);
  write_sysctl("/proc/sys/net/ipv6/conf/eth0/autoconf", "0");
  write_sysctl("/proc/sys/net/ipv4/conf/eth0/arp_notify", "1");
  write_sysctl("/proc/sys/net/ipv4/conf/eth0/rp_filter", "2");
  const int index = link_index(fd, kContainerLink);
  set_up(batch, 1, 0);  // the first link of a namespace is its loopback
  add_address(batch, index, address, 0);
  set_up(batch, index, 0);
  batch.begin(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_ACK,
              rtmsg{.rtm_family = AF_INET,
                    .rtm_table = RT_TABLE_MAIN,
                    .rtm_protocol = RTPROT_STATIC,
                    .rtm_scope = RT_SCOPE_UNIVERSE,
                    .rtm_type = RTN_UNICAST});
  batch.attribute(RTA_GATEWAY, htonl(kGateway));
  batch.attribute(RTA_OIF, index);
  batch.attribute(RTA_PRIORITY, uint32_t{100});
  batch.send(fd, "configure container");
}

void delete_link(Batch& batch, int fd, const char* name) {
  batch.begin(RTM_DELLINK, NLM_F_ACK, ifinfomsg{});
  batch.text(IFLA_IFNAME, name);
  batch.send(fd, "delete link");
}

// ---- commands -----------------------------------------------------------------------------------

struct Container {
  const char* netns;
  uint32_t number;
  uint32_t ports;
  uint32_t address;
  char link[IFNAMSIZ];  ///< the host's end
};

int open_netns(const char* path) {
  const int netns = ::open(path, O_RDONLY | O_CLOEXEC);
  if (netns < 0) die(path, errno);
  return netns;
}

void setup(Batch& batch, const Container& container) {
  const int netns = open_netns(container.netns);
  const int route = open_netlink(NETLINK_ROUTE);
  const int nftables = open_netlink(NETLINK_NETFILTER);

  int bridge = link_index(route, kBridge);
  const bool is_first = bridge == 0;
  if (is_first) bridge = create_bridge(batch, route);
  create_veth(batch, route, bridge, netns, container.link, container.number);

  if (container.ports > 0) {
    mark_transaction(batch, NFNL_MSG_BATCH_BEGIN);
    if (is_first) add_table(batch);
    change_ports(batch, NFT_MSG_NEWSETELEM, container.address, container.number, container.ports);
    mark_transaction(batch, NFNL_MSG_BATCH_END);
    batch.send(nftables, "publish ports");
  }

  if (::setns(netns, CLONE_NEWNET) != 0) die("setns", errno);
  configure_container(batch, container.address);
}

void teardown(Batch& batch, const Container& container, bool is_last) {
  const int route = open_netlink(NETLINK_ROUTE);
  if (container.ports > 0) {
    const int nftables = open_netlink(NETLINK_NETFILTER);
    mark_transaction(batch, NFNL_MSG_BATCH_BEGIN);
    if (is_last) {
      begin_nft(batch, NFT_MSG_DELTABLE, NLM_F_ACK);
      batch.text(NFTA_TABLE_NAME, kTable);
    } else {
      change_ports(batch, NFT_MSG_DELSETELEM, container.address, container.number, container.ports);
    }
    mark_transaction(batch, NFNL_MSG_BATCH_END);
    batch.send(nftables, "withdraw ports");
  }
  delete_link(batch, route, container.link);
  if (is_last) delete_link(batch, route, kBridge);
}

void lan_setup(Batch& batch, const char* kind, const char* path, uint32_t address) {
  const int netns = open_netns(path);
  create_lan_link(batch, open_netlink(NETLINK_ROUTE), kind, netns);
  if (::setns(netns, CLONE_NEWNET) != 0) die("setns", errno);
  configure_container(batch, address);
}

void lan_teardown(Batch& batch, const char* path) {
  if (::setns(open_netns(path), CLONE_NEWNET) != 0) die("setns", errno);
  delete_link(batch, open_netlink(NETLINK_ROUTE), kContainerLink);
}

uint32_t number_of(const char* text) {
  return static_cast<uint32_t>(std::strtoul(text, nullptr, 10));
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view command = argc > 1 ? argv[1] : "";
  if (command == "nothing") return 0;
  static Batch batch;
  if (command == "lan-setup" && argc == 5) {
    lan_setup(batch, argv[2], argv[3], kFirstAddress + number_of(argv[4]));
    return 0;
  }
  if (command == "lan-teardown" && argc == 3) {
    lan_teardown(batch, argv[2]);
    return 0;
  }
  if (argc < 5 || (command != "setup" && command != "teardown")) {
    std::fprintf(stderr,
                 "usage: bench-floor nothing | setup NETNS NUMBER PORTS | "
                 "teardown NETNS NUMBER PORTS [last] | lan-setup KIND NETNS NUMBER | "
                 "lan-teardown NETNS\n");
    return 2;
  }
  Container container{.netns = argv[2], .number = number_of(argv[3]), .ports = number_of(argv[4])};
  container.address = kFirstAddress + container.number;
  std::snprintf(container.link, sizeof container.link, "floor%u", container.number);
  if (command == "setup") {
    setup(batch, container);
  } else {
    teardown(batch, container, argc > 5);
  }
  return 0;
}
