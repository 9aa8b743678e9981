// The kernel's floor: what connecting a container to a bridge costs when a program does nothing
// else. Talks netlink by hand, allocates nothing, links nothing, keeps no records, undoes nothing;
// so it is the measure for programs that do, and no example of how to write one.
//
//   bench-floor nothing                             the cost of a process
//   bench-floor setup NETNS NUMBER PORTS            connects container NUMBER (from 0)
//   bench-floor teardown NETNS NUMBER PORTS [last]  and disconnects it; the last with the bridge
//   bench-floor lan-setup KIND NETNS NUMBER         a link of its own on the uplink: macvlan,
//   ipvlan bench-floor lan-teardown NETNS                  and deletes it
//
// The network is the one of bench/setup: bridge bench0, 10.88.0.0/16, container NUMBER at
// 10.88.0.2 + NUMBER, its port 8000 + i published as 10000 + NUMBER * PORTS + i over tcp.
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace {

constexpr char kBridge[] = "bench0";
constexpr char kContainerLink[] = "eth0";
constexpr char kParent[] = "uplink";
constexpr char kTable[] = "floor";
constexpr char kMap[] = "publish4";
constexpr uint32_t kGateway = 0x0A580001;  // 10.88.0.1
constexpr uint8_t kPrefixLength = 16;
constexpr uint32_t kFirstAddress = kGateway + 1;
constexpr uint32_t kFirstHostPort = 10000;
constexpr uint32_t kFirstContainerPort = 8000;

[[noreturn]] void die(const char* what, int code) {
  std::fprintf(stderr, "bench-floor: %s: %s\n", what, std::strerror(code));
  std::exit(1);
}

// ---- messages -----------------------------------------------------------------------------------

/// Netlink messages one after the other, as one send takes them. Lengths are filled in when the
/// next message begins or the batch is sent.
class Batch {
 public:
  /// Begins a message with its family header.
  template <typename Header>
  void begin(uint16_t type, uint16_t flags, const Header& header) {
    finish();
    message_ = reinterpret_cast<nlmsghdr*>(bytes_ + used_);
    const nlmsghdr start{.nlmsg_len = 0,
                         .nlmsg_type = type,
                         .nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | flags),
                         .nlmsg_seq = 1,
                         .nlmsg_pid = 0};
    append(&start, sizeof start);
    append(&header, sizeof header);
  }

  /// An attribute with its value, padded to four bytes.
  void attribute(uint16_t type, const void* value, size_t size) {
    const nlattr header{.nla_len = static_cast<uint16_t>(sizeof header + size), .nla_type = type};
    append(&header, sizeof header);
    append(value, size);
  }
  template <typename Value>
  void attribute(uint16_t type, const Value& value) {
    attribute(type, &value, sizeof value);
  }
  void text(uint16_t type, const char* value) { attribute(type, value, std::strlen(value) + 1); }
  /// nf_tables numbers are big-endian.
  void number(uint16_t type, uint32_t value) { attribute(type, htonl(value)); }

  /// An attribute whose value is what `fill` adds.
  template <typename Fill>
  void nest(uint16_t type, Fill fill) {
    const size_t start = used_;
    attribute(type, nullptr, 0);
    fill();
    reinterpret_cast<nlattr*>(bytes_ + start)->nla_len = static_cast<uint16_t>(used_ - start);
  }

  /// A bare header inside an attribute (a veth peer has one).
  template <typename Header>
  void raw(const Header& header) {
    append(&header, sizeof header);
  }

  /// Sends everything on `fd` and waits for the one acknowledgement asked for.
  void send(int fd, const char* what) {
    finish();
    if (::send(fd, bytes_, used_, 0) != static_cast<ssize_t>(used_)) die(what, errno);
    alignas(nlmsghdr) char reply[8192];
    const ssize_t size = ::recv(fd, reply, sizeof reply, 0);
    if (size < 0) die(what, errno);
    const auto* message = reinterpret_cast<const nlmsghdr*>(reply);
    if (message->nlmsg_type != NLMSG_ERROR) die(what, EPROTO);
    const auto* result = reinterpret_cast<const nlmsgerr*>(message + 1);
    if (result->error != 0) die(what, -result->error);
    used_ = 0;
  }

 private:
  void finish() {
    if (message_ == nullptr) return;
    const auto* start = reinterpret_cast<const char*>(message_);
    message_->nlmsg_len = static_cast<uint32_t>(bytes_ + used_ - start);
    message_ = nullptr;
  }
  void append(const void* value, size_t size) {
    const size_t padded = NLMSG_ALIGN(size);
    if (used_ + padded > sizeof bytes_) die("batch", EMSGSIZE);
    if (size > 0) std::memcpy(bytes_ + used_, value, size);
    std::memset(bytes_ + used_ + size, 0, padded - size);
    used_ += padded;
  }

  alignas(nlmsghdr) char bytes_[65536];
  size_t used_ = 0;
  nlmsghdr* message_ = nullptr;
};

int open_netlink(int protocol) {
  const int fd = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
  if (fd < 0) die("netlink socket", errno);
  return fd;
}

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

// ---- nftables -----------------------------------------------------------------------------------

void begin_nft(Batch& batch, uint16_t type, uint16_t flags) {
  batch.begin(static_cast<uint16_t>(NFNL_SUBSYS_NFTABLES << 8U | type), flags,
              nfgenmsg{.nfgen_family = NFPROTO_INET, .version = NFNETLINK_V0, .res_id = 0});
}

void mark_transaction(Batch& batch, uint16_t type) {
  batch.begin(type, 0,
              nfgenmsg{.nfgen_family = AF_UNSPEC,
                       .version = NFNETLINK_V0,
                       .res_id = htons(NFNL_SUBSYS_NFTABLES)});
}

template <typename Fill>
void expression(Batch& batch, const char* name, Fill fill) {
  batch.nest(NFTA_LIST_ELEM, [&] {
    batch.text(NFTA_EXPR_NAME, name);
    batch.nest(NFTA_EXPR_DATA, fill);
  });
}

/// fib daddr type local dnat ip to meta l4proto . th dport map @publish4
void add_publish_rule(Batch& batch, const char* chain) {
  begin_nft(batch, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
  batch.text(NFTA_RULE_TABLE, kTable);
  batch.text(NFTA_RULE_CHAIN, chain);
  batch.nest(NFTA_RULE_EXPRESSIONS, [&] {
    expression(batch, "fib", [&] {
      batch.number(NFTA_FIB_DREG, NFT_REG32_00);
      batch.number(NFTA_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
      batch.number(NFTA_FIB_FLAGS, NFTA_FIB_F_DADDR);
    });
    expression(batch, "cmp", [&] {
      batch.number(NFTA_CMP_SREG, NFT_REG32_00);
      batch.number(NFTA_CMP_OP, NFT_CMP_EQ);
      batch.nest(NFTA_CMP_DATA, [&] { batch.attribute(NFTA_DATA_VALUE, uint32_t{RTN_LOCAL}); });
    });
    expression(batch, "meta", [&] {
      batch.number(NFTA_META_KEY, NFT_META_L4PROTO);
      batch.number(NFTA_META_DREG, NFT_REG32_00);
    });
    expression(batch, "payload", [&] {
      batch.number(NFTA_PAYLOAD_DREG, NFT_REG32_01);
      batch.number(NFTA_PAYLOAD_BASE, NFT_PAYLOAD_TRANSPORT_HEADER);
      batch.number(NFTA_PAYLOAD_OFFSET, 2);
      batch.number(NFTA_PAYLOAD_LEN, 2);
    });
    expression(batch, "lookup", [&] {
      batch.text(NFTA_LOOKUP_SET, kMap);
      batch.number(NFTA_LOOKUP_SREG, NFT_REG32_00);
      batch.number(NFTA_LOOKUP_DREG, NFT_REG32_04);
    });
    expression(batch, "nat", [&] {
      batch.number(NFTA_NAT_TYPE, NFT_NAT_DNAT);
      batch.number(NFTA_NAT_FAMILY, NFPROTO_IPV4);
      batch.number(NFTA_NAT_REG_ADDR_MIN, NFT_REG32_04);
      batch.number(NFTA_NAT_REG_PROTO_MIN, NFT_REG32_05);
    });
  });
}

void add_nat_chain(Batch& batch, const char* name, uint32_t hook) {
  begin_nft(batch, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
  batch.text(NFTA_CHAIN_TABLE, kTable);
  batch.text(NFTA_CHAIN_NAME, name);
  batch.nest(NFTA_CHAIN_HOOK, [&] {
    batch.number(NFTA_HOOK_HOOKNUM, hook);
    batch.number(NFTA_HOOK_PRIORITY, static_cast<uint32_t>(-100));
  });
  batch.text(NFTA_CHAIN_TYPE, "nat");
  add_publish_rule(batch, name);
}

/// The table with its map and the two chains that look ports up.
void add_table(Batch& batch) {
  // As nft names types: 12 protocol, 13 port, 7 IPv4 address, six bits each.
  constexpr uint32_t kKeyType = 12U << 6U | 13U;
  constexpr uint32_t kValueType = 7U << 6U | 13U;
  begin_nft(batch, NFT_MSG_NEWTABLE, NLM_F_CREATE);
  batch.text(NFTA_TABLE_NAME, kTable);
  begin_nft(batch, NFT_MSG_NEWSET, NLM_F_CREATE);
  batch.text(NFTA_SET_TABLE, kTable);
  batch.text(NFTA_SET_NAME, kMap);
  batch.number(NFTA_SET_FLAGS, NFT_SET_MAP);
  batch.number(NFTA_SET_KEY_TYPE, kKeyType);
  batch.number(NFTA_SET_KEY_LEN, 8);
  batch.number(NFTA_SET_DATA_TYPE, kValueType);
  batch.number(NFTA_SET_DATA_LEN, 8);
  batch.number(NFTA_SET_ID, 1);
  add_nat_chain(batch, "prerouting", NF_INET_PRE_ROUTING);
  add_nat_chain(batch, "output", NF_INET_LOCAL_OUT);
}

/// One message for all published ports of a container; `type` adds or deletes them.
void change_ports(Batch& batch, uint16_t type, uint32_t address, uint32_t number, uint32_t ports) {
  begin_nft(batch, type, static_cast<uint16_t>(NLM_F_ACK | NLM_F_CREATE));
  batch.text(NFTA_SET_ELEM_LIST_TABLE, kTable);
  batch.text(NFTA_SET_ELEM_LIST_SET, kMap);
  batch.nest(NFTA_SET_ELEM_LIST_ELEMENTS, [&] {
    for (uint32_t i = 0; i < ports; ++i) {
      // Each part of a concatenation stands in a register of four bytes.
      const uint16_t host_port[2] = {
          htons(static_cast<uint16_t>(kFirstHostPort + number * ports + i))};
      const uint16_t container_port[2] = {htons(static_cast<uint16_t>(kFirstContainerPort + i))};
      uint32_t key[2] = {};
      uint32_t value[2] = {htonl(address)};
      const uint8_t protocol = IPPROTO_TCP;
      std::memcpy(&key[0], &protocol, sizeof protocol);
      std::memcpy(&key[1], host_port, sizeof host_port);
      std::memcpy(&value[1], container_port, sizeof container_port);
      batch.nest(NFTA_LIST_ELEM, [&] {
        batch.nest(NFTA_SET_ELEM_KEY, [&] { batch.attribute(NFTA_DATA_VALUE, key); });
        batch.nest(NFTA_SET_ELEM_DATA, [&] { batch.attribute(NFTA_DATA_VALUE, value); });
      });
    }
  });
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
