#include "host/rtnetlink.h"

#include <linux/if.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <netlink/attr.h>
#include <netlink/handlers.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <span>

namespace burrow::host {
namespace {

// A dump that the kernel calls inconsistent is asked again this often.
constexpr int kDumpAttempts = 10;
// The least metric of routes to ::1 that are ours.
constexpr uint32_t kLoopbackMetric = 1024;

template <typename Header>
const Header& header_of(const nlmsghdr* message) {
  return *static_cast<const Header*>(nlmsg_data(message));
}

// The attributes of a message by type; absent ones are null.
template <int Last>
class Attributes {
 public:
  Attributes(nlmsghdr* message, int header_size) {
    nlmsg_parse(message, header_size, table_, Last, nullptr);
  }
  explicit Attributes(nlattr* nested) {
    if (nested != nullptr) nla_parse_nested(table_, Last, nested, nullptr);
  }
  nlattr* operator[](int type) const { return table_[type]; }
  [[nodiscard]] std::optional<uint32_t> u32(int type) const {
    const nlattr* attribute = table_[type];
    if (attribute == nullptr || nla_len(attribute) < 4) return std::nullopt;
    return nla_get_u32(attribute);
  }
  [[nodiscard]] std::string text(int type) const {
    const nlattr* attribute = table_[type];
    if (attribute == nullptr) return {};
    const auto* bytes = static_cast<const char*>(nla_data(attribute));
    return {bytes, strnlen(bytes, static_cast<size_t>(nla_len(attribute)))};
  }
  [[nodiscard]] std::span<const uint8_t> bytes(int type) const {
    const nlattr* attribute = table_[type];
    if (attribute == nullptr) return {};
    return {static_cast<const uint8_t*>(nla_data(attribute)),
            static_cast<size_t>(nla_len(attribute))};
  }

 private:
  nlattr* table_[Last + 1] = {};
};

Link parse_link(nlmsghdr* message) {
  const auto& header = header_of<ifinfomsg>(message);
  const Attributes<IFLA_MAX> attributes{message, sizeof(ifinfomsg)};
  Link link{.index = static_cast<uint32_t>(header.ifi_index),
            .name = attributes.text(IFLA_IFNAME),
            .mtu = attributes.u32(IFLA_MTU).value_or(0),
            .is_up = (header.ifi_flags & IFF_UP) != 0,
            .master = attributes.u32(IFLA_MASTER)};
  link.kind = Attributes<IFLA_INFO_MAX>{attributes[IFLA_LINKINFO]}.text(IFLA_INFO_KIND);
  if (const auto bytes = attributes.bytes(IFLA_ADDRESS); bytes.size() == 6) {
    std::array<uint8_t, 6> mac{};
    std::ranges::copy(bytes, mac.begin());
    link.mac = MacAddress{mac};
  }
  return link;
}

uint8_t kernel_family(Family family) { return family == Family::ipv4 ? AF_INET : AF_INET6; }

bool is_address_size(size_t size) { return size == 4 || size == 16; }

// What a request collected: the kernel's verdict and where to put its answers.
struct Exchange {
  std::function<void(nlmsghdr*)> on_message;
  std::function<bool()> has_enough;  // ends the reading early; the socket is of no use then
  bool is_done = false;
  bool was_interrupted = false;
  int error = 0;
  std::string explanation;
};

int on_valid(nl_msg* message, void* argument) {
  auto& exchange = *static_cast<Exchange*>(argument);
  if (exchange.on_message) exchange.on_message(nlmsg_hdr(message));
  if (exchange.has_enough && exchange.has_enough()) {
    exchange.is_done = true;
    return NL_STOP;
  }
  return NL_OK;
}

int on_end(nl_msg* /*message*/, void* argument) {
  static_cast<Exchange*>(argument)->is_done = true;
  return NL_STOP;
}

int on_interrupted(nl_msg* /*message*/, void* argument) {
  static_cast<Exchange*>(argument)->was_interrupted = true;
  return NL_OK;
}

int on_error(sockaddr_nl* /*from*/, nlmsgerr* error, void* argument) {
  auto& exchange = *static_cast<Exchange*>(argument);
  exchange.is_done = true;
  exchange.error = -error->error;
  // The kernel's own words follow the error when it has any (NETLINK_EXT_ACK).
  auto* header = reinterpret_cast<nlmsghdr*>(error) - 1;
  if ((header->nlmsg_flags & NLM_F_ACK_TLVS) != 0) {
    size_t offset = sizeof(nlmsgerr);
    if ((header->nlmsg_flags & NLM_F_CAPPED) == 0) {
      offset += NLMSG_ALIGN(error->msg.nlmsg_len) - sizeof(nlmsghdr);
    }
    const int length =
        static_cast<int>(header->nlmsg_len - NLMSG_HDRLEN) - static_cast<int>(offset);
    auto* first = reinterpret_cast<nlattr*>(reinterpret_cast<char*>(error) + offset);
    if (length > 0) {
      if (const auto* text = nla_find(first, length, NLMSGERR_ATTR_MSG)) {
        exchange.explanation.assign(static_cast<const char*>(nla_data(text)),
                                    static_cast<size_t>(std::max(0, nla_len(text) - 1)));
      }
    }
  }
  return NL_STOP;
}

struct FreeCallbacks {
  void operator()(nl_cb* callbacks) const { nl_cb_put(callbacks); }
};

}  // namespace

void RouteSocket::Close::operator()(nl_sock* socket) const { nl_socket_free(socket); }

// One message to the kernel and its answers. Attributes that do not fit are our own mistake and
// make the message fail as a whole.
class RouteSocket::Request {
 public:
  Request(int type, int flags) : message_(nlmsg_alloc_simple(type, flags)) {}

  template <typename Header>
  Header& header() {
    auto* place = nlmsg_reserve(message_.get(), sizeof(Header), NLMSG_ALIGNTO);
    return *new (place) Header{};
  }
  Request& put(int type, const void* bytes, size_t size) {
    is_whole_ &= nla_put(message_.get(), type, static_cast<int>(size), bytes) == 0;
    return *this;
  }
  Request& put(int type, uint32_t value) { return put(type, &value, sizeof value); }
  Request& put(int type, const std::string& text) {
    return put(type, text.c_str(), text.size() + 1);
  }
  Request& put(int type, const LinkName& name) { return put(type, name.str()); }
  Request& put(int type, std::span<const uint8_t> bytes) {
    return put(type, bytes.data(), bytes.size());
  }
  /// Puts an attribute that holds what `fill` puts.
  template <typename Fill>
  Request& nest(int type, Fill fill) {
    auto* start = nla_nest_start(message_.get(), type);
    is_whole_ &= start != nullptr;
    fill();
    if (start != nullptr) nla_nest_end(message_.get(), start);
    return *this;
  }
  /// Room for a header inside a nested attribute.
  template <typename Header>
  Header& nested_header() {
    return header<Header>();
  }

  /// Sends, and gives every answer to `on_message`, until the end or until `has_enough` says so.
  /// `what` says what was attempted.
  Result<void> send(nl_sock* socket, const std::string& what,
                    std::function<void(nlmsghdr*)> on_message = {},
                    std::function<bool()> has_enough = {}) {
    if (!is_whole_) return fail(Errc::system, "{}: message too long", what);
    const std::unique_ptr<nl_cb, FreeCallbacks> callbacks{nl_cb_alloc(NL_CB_DEFAULT)};
    Exchange exchange{.on_message = std::move(on_message), .has_enough = std::move(has_enough)};
    nl_cb_set(callbacks.get(), NL_CB_VALID, NL_CB_CUSTOM, on_valid, &exchange);
    nl_cb_set(callbacks.get(), NL_CB_ACK, NL_CB_CUSTOM, on_end, &exchange);
    nl_cb_set(callbacks.get(), NL_CB_FINISH, NL_CB_CUSTOM, on_end, &exchange);
    nl_cb_set(callbacks.get(), NL_CB_DUMP_INTR, NL_CB_CUSTOM, on_interrupted, &exchange);
    nl_cb_err(callbacks.get(), NL_CB_CUSTOM, on_error, &exchange);

    if (const int sent = nl_send_auto(socket, message_.get()); sent < 0) {
      return fail(Errc::system, "{}: {}", what, nl_geterror(sent));
    }
    while (!exchange.is_done) {
      const int received = nl_recvmsgs(socket, callbacks.get());
      if (received < 0 && !exchange.is_done && received != -NLE_DUMP_INTR) {
        return fail(Errc::system, "{}: {}", what, nl_geterror(received));
      }
    }
    if (exchange.error != 0) {
      auto failure = system_failure(exchange.error, what);
      if (!exchange.explanation.empty()) {
        failure.value().message += fmt::format(": {}", exchange.explanation);
      }
      return failure;
    }
    if (exchange.was_interrupted) return fail(Errc::changed, "{}: changed meanwhile", what);
    return {};
  }

 private:
  struct Free {
    void operator()(nl_msg* message) const { nlmsg_free(message); }
  };
  std::unique_ptr<nl_msg, Free> message_;
  bool is_whole_ = true;
};

Result<RouteSocket> RouteSocket::open() {
  RouteSocket result{std::unique_ptr<nl_sock, Close>{nl_socket_alloc()}};
  auto* socket = result.socket_.get();
  if (socket == nullptr) return fail(Errc::system, "open rtnetlink socket: out of memory");
  if (const int failed = nl_connect(socket, NETLINK_ROUTE); failed < 0) {
    return fail(Errc::system, "open rtnetlink socket: {}", nl_geterror(failed));
  }
  // Older kernels lack some of these: then errors are shorter and dumps longer.
  const int on = 1;
  for (const int option : {NETLINK_EXT_ACK, NETLINK_CAP_ACK, NETLINK_GET_STRICT_CHK}) {
    ::setsockopt(nl_socket_get_fd(socket), SOL_NETLINK, option, &on, sizeof on);
  }
  return result;
}

Result<std::optional<Link>> RouteSocket::find_link(const LinkName& name) {
  Request request{RTM_GETLINK, 0};
  request.header<ifinfomsg>();
  request.put(IFLA_IFNAME, name);
  std::optional<Link> link;
  auto sent = request.send(socket_.get(), fmt::format("find link \"{}\"", name),
                           [&](nlmsghdr* message) { link = parse_link(message); });
  if (!sent && sent.error().code != Errc::not_found) return Failure{std::move(sent).error()};
  return link;
}

Result<Link> RouteSocket::get_link(uint32_t index) {
  Request request{RTM_GETLINK, 0};
  request.header<ifinfomsg>().ifi_index = static_cast<int>(index);
  Link link;
  TRY_VOID(request.send(socket_.get(), fmt::format("get link {}", index),
                        [&](nlmsghdr* message) { link = parse_link(message); }));
  return link;
}

Result<std::vector<Link>> RouteSocket::some_links_of(uint32_t master, size_t limit) {
  auto socket = TRY(open());
  Request request{RTM_GETLINK, NLM_F_DUMP};
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
    Request request{RTM_GETLINK, NLM_F_DUMP};
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

Result<std::vector<IpInterface>> RouteSocket::addresses_of(uint32_t link) {
  for (int attempt = 1;; ++attempt) {
    Request request{RTM_GETADDR, NLM_F_DUMP};
    request.header<ifaddrmsg>().ifa_index = link;
    std::vector<IpInterface> addresses;
    auto sent = request.send(socket_.get(), "list addresses", [&](nlmsghdr* message) {
      const auto& header = header_of<ifaddrmsg>(message);
      const Attributes<IFA_MAX> attributes{message, sizeof(ifaddrmsg)};
      auto bytes = attributes.bytes(IFA_LOCAL);
      if (bytes.empty()) bytes = attributes.bytes(IFA_ADDRESS);
      if (header.ifa_index != link || !is_address_size(bytes.size())) return;
      addresses.push_back({IpAddress::from_bytes(bytes), header.ifa_prefixlen});
    });
    if (sent) return addresses;
    if (sent.error().code != Errc::changed || attempt == kDumpAttempts) {
      return Failure{std::move(sent).error()};
    }
  }
}

Result<std::optional<uint32_t>> RouteSocket::route_link(const IpAddress& destination) {
  Request request{RTM_GETROUTE, 0};
  auto& header = request.header<rtmsg>();
  header.rtm_family = kernel_family(destination.family());
  header.rtm_dst_len = address_bits(destination.family());
  header.rtm_flags = RTM_F_FIB_MATCH;
  request.put(RTA_DST, destination.bytes());
  std::optional<uint32_t> link;
  auto sent = request.send(socket_.get(), "find default route", [&](nlmsghdr* message) {
    const Attributes<RTA_MAX> attributes{message, sizeof(rtmsg)};
    link = attributes.u32(RTA_OIF);
    if (const auto hops = attributes.bytes(RTA_MULTIPATH);
        !link && hops.size() >= sizeof(rtnexthop)) {
      const auto* first = reinterpret_cast<const rtnexthop*>(hops.data());
      link = static_cast<uint32_t>(first->rtnh_ifindex);
    }
  });
  // Unreachable by any route, or no such family on this host: no default route.
  if (!sent) return std::nullopt;
  return link;
}

Result<std::optional<uint32_t>> RouteSocket::default_route_link() {
  // 192.0.2.1 (RFC 5737) and 2001:db8::1 (RFC 3849): addresses that only a default route covers.
  if (const auto link = TRY(route_link(*IpAddress::parse("192.0.2.1")))) return link;
  return route_link(*IpAddress::parse("2001:db8::1"));
}

Result<std::vector<uint32_t>> RouteSocket::default_route_metrics(Family family) {
  for (int attempt = 1;; ++attempt) {
    Request request{RTM_GETROUTE, NLM_F_DUMP};
    auto& header = request.header<rtmsg>();
    header.rtm_family = kernel_family(family);
    header.rtm_table = RT_TABLE_MAIN;
    std::vector<uint32_t> metrics;
    auto sent = request.send(socket_.get(), "list routes", [&](nlmsghdr* message) {
      const auto& route = header_of<rtmsg>(message);
      const Attributes<RTA_MAX> attributes{message, sizeof(rtmsg)};
      const bool is_main = attributes.u32(RTA_TABLE).value_or(route.rtm_table) == RT_TABLE_MAIN;
      if (!is_main || route.rtm_dst_len != 0 || route.rtm_type != RTN_UNICAST) return;
      metrics.push_back(attributes.u32(RTA_PRIORITY).value_or(0));
    });
    if (sent) return metrics;
    if (sent.error().code == Errc::not_found) return metrics;  // no main table yet
    if (sent.error().code != Errc::changed || attempt == kDumpAttempts) {
      return Failure{std::move(sent).error()};
    }
  }
}

Result<void> RouteSocket::create_bridge(const NewBridge& bridge) {
  Request request{RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL};
  request.header<ifinfomsg>();
  request.put(IFLA_IFNAME, bridge.name).put(IFLA_ADDRESS, bridge.mac.bytes());
  if (bridge.mtu) request.put(IFLA_MTU, *bridge.mtu);
  request.nest(IFLA_LINKINFO, [&] { request.put(IFLA_INFO_KIND, std::string{"bridge"}); });
  return request.send(socket_.get(), fmt::format("create bridge \"{}\"", bridge.name));
}

Result<void> RouteSocket::create_veth(const NewVeth& veth, const NetNs& peer_namespace) {
  const auto bridge = TRY(find_link(veth.bridge));
  if (!bridge) return fail(Errc::not_found, "bridge \"{}\" does not exist", veth.bridge);
  Request request{RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL};
  auto& header = request.header<ifinfomsg>();
  header.ifi_flags = IFF_UP;
  header.ifi_change = IFF_UP;
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
  if (!sent && sent.error().message.find("(os error 54)") != std::string::npos) {  // EXFULL
    return fail(Errc::exhausted, "bridge \"{}\" is full: the kernel allows 1023 ports",
                veth.bridge);
  }
  return sent;
}

Result<void> RouteSocket::change_flags(const LinkName& name, unsigned flags) {
  Request request{RTM_NEWLINK, 0};
  auto& header = request.header<ifinfomsg>();
  header.ifi_flags = flags;
  header.ifi_change = IFF_UP;
  request.put(IFLA_IFNAME, name);
  return request.send(socket_.get(),
                      fmt::format("set link \"{}\" {}", name, flags != 0 ? "up" : "down"));
}

Result<void> RouteSocket::set_up(const LinkName& name) { return change_flags(name, IFF_UP); }

Result<void> RouteSocket::set_down(const LinkName& name) { return change_flags(name, 0); }

Result<void> RouteSocket::enable_hairpin(uint32_t port) {
  Request request{RTM_SETLINK, 0};
  auto& header = request.header<ifinfomsg>();
  header.ifi_family = AF_BRIDGE;
  header.ifi_index = static_cast<int>(port);
  const uint8_t on = 1;
  request.nest(IFLA_PROTINFO | NLA_F_NESTED,
               [&] { request.put(IFLA_BRPORT_MODE, &on, sizeof on); });
  return request.send(socket_.get(), fmt::format("enable hairpin mode on link {}", port));
}

Result<void> RouteSocket::delete_link(const LinkName& name) {
  Request request{RTM_DELLINK, 0};
  request.header<ifinfomsg>();
  request.put(IFLA_IFNAME, name);
  return request.send(socket_.get(), fmt::format("delete link \"{}\"", name));
}

Result<void> RouteSocket::delete_links(const std::vector<uint32_t>& indexes) {
  if (indexes.empty()) return {};
  Request request{RTM_DELLINK, 0};
  auto& header = request.header<ifinfomsg>();
  if (indexes.size() == 1) {
    header.ifi_index = static_cast<int>(indexes.front());
    return request.send(socket_.get(), fmt::format("delete link {}", indexes.front()));
  }
  // A group that nobody else uses while we live.
  const uint32_t group = 0x62000000U | (static_cast<uint32_t>(::getpid()) & 0xffffffU);
  for (const auto index : indexes) {
    Request join{RTM_SETLINK, 0};
    join.header<ifinfomsg>().ifi_index = static_cast<int>(index);
    join.put(IFLA_GROUP, group);
    auto joined = join.send(socket_.get(), fmt::format("group link {}", index));
    // One that vanished meanwhile must not keep the others.
    if (!joined && joined.error().code != Errc::not_found) return joined;
  }
  request.put(IFLA_GROUP, group);
  return request.send(socket_.get(), fmt::format("delete {} links", indexes.size()));
}

namespace {

// The common part of RTM_NEWADDR and RTM_DELADDR.
template <typename Request>
void fill_address(Request& request, uint32_t link, const IpInterface& address) {
  auto& header = request.template header<ifaddrmsg>();
  header.ifa_family = kernel_family(address.address.family());
  header.ifa_prefixlen = address.prefix_length;
  header.ifa_index = link;
  request.put(IFA_LOCAL, address.address.bytes());
}

// The common part of RTM_NEWROUTE and RTM_DELROUTE.
template <typename Request>
void fill_route(Request& request, const Route& route) {
  auto& header = request.template header<rtmsg>();
  header.rtm_family = kernel_family(route.destination.family());
  header.rtm_dst_len = route.destination.prefix_length();
  header.rtm_table = RT_TABLE_MAIN;
  header.rtm_protocol = RTPROT_STATIC;
  header.rtm_scope = RT_SCOPE_UNIVERSE;
  header.rtm_type = static_cast<uint8_t>(route.kind);
  request.put(RTA_DST, route.destination.address().bytes()).put(RTA_PRIORITY, route.metric);
  if (route.gateway) request.put(RTA_GATEWAY, route.gateway->bytes());
}

std::string describe(std::string_view verb, const Route& route) {
  return fmt::format("{} route {}{}", verb, route.destination.to_string(),
                     route.gateway ? " via " + route.gateway->to_string() : "");
}

}  // namespace

Result<void> RouteSocket::add_address(uint32_t link, const IpInterface& address) {
  Request request{RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL};
  fill_address(request, link, address);
  if (address.address.is_v6()) {
    request.put(IFA_FLAGS, uint32_t{IFA_F_NODAD});
  } else if (address.prefix_length < 31) {
    request.put(IFA_BROADCAST, address.network().last().bytes());
  }
  auto sent = request.send(socket_.get(), fmt::format("add address {}", address.to_string()));
  if (!sent && address.address.is_v6() && sent.error().code == Errc::permission) {
    sent.error().message +=
        ": is IPv6 disabled on this link (sysctl net.ipv6.conf.*.disable_ipv6)?";
  }
  return sent;
}

Result<void> RouteSocket::delete_address(uint32_t link, const IpInterface& address) {
  Request request{RTM_DELADDR, 0};
  fill_address(request, link, address);
  return request.send(socket_.get(), fmt::format("delete address {}", address.to_string()));
}

Result<void> RouteSocket::add_route(const Route& route) {
  Request request{RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL};
  fill_route(request, route);
  return request.send(socket_.get(), describe("add", route));
}

Result<void> RouteSocket::add_loopback_route(uint32_t link) {
  Request request{RTM_NEWROUTE, NLM_F_CREATE};
  auto& header = request.header<rtmsg>();
  header.rtm_family = AF_INET6;
  header.rtm_dst_len = 128;
  header.rtm_table = RT_TABLE_LOCAL;
  header.rtm_protocol = RTPROT_STATIC;
  header.rtm_scope = RT_SCOPE_UNIVERSE;
  header.rtm_type = RTN_LOCAL;
  // Behind the loopback link's own route, and apart from those of other bridges.
  request.put(RTA_DST, IpAddress::parse("::1")->bytes())
      .put(RTA_OIF, link)
      .put(RTA_PRIORITY, kLoopbackMetric + link);
  return request.send(socket_.get(), "add route to ::1");
}

Result<void> RouteSocket::keep_address(uint32_t link, const IpInterface& address,
                                       std::optional<std::chrono::seconds> valid) {
  Request request{RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE};
  fill_address(request, link, address);
  if (address.address.is_v6()) {
    request.put(IFA_FLAGS, uint32_t{IFA_F_NODAD});
  } else if (address.prefix_length < 31) {
    request.put(IFA_BROADCAST, address.network().last().bytes());
  }
  // The kernel refuses zero, and counts in less than 32 bits of seconds.
  constexpr int64_t kLongest = UINT32_MAX / 1024;
  const uint32_t lifetime =
      valid ? static_cast<uint32_t>(std::clamp<int64_t>(valid->count(), 1, kLongest)) : UINT32_MAX;
  const ifa_cacheinfo lifetimes{.ifa_prefered = lifetime, .ifa_valid = lifetime};
  request.put(IFA_CACHEINFO, &lifetimes, sizeof lifetimes);
  return request.send(socket_.get(), fmt::format("keep address {}", address.to_string()));
}

namespace {

template <typename Request>
void fill_link_route(Request& request, uint32_t link, const LinkRoute& route) {
  auto& header = request.template header<rtmsg>();
  header.rtm_family = kernel_family(route.destination.family());
  header.rtm_dst_len = route.destination.prefix_length();
  header.rtm_table = RT_TABLE_MAIN;
  header.rtm_protocol = RTPROT_DHCP;
  header.rtm_scope = route.gateway ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
  header.rtm_type = RTN_UNICAST;
  request.put(RTA_DST, route.destination.address().bytes())
      .put(RTA_PRIORITY, route.metric)
      .put(RTA_OIF, link);
  if (route.gateway) request.put(RTA_GATEWAY, route.gateway->bytes());
}

std::string describe(std::string_view verb, const LinkRoute& route) {
  return fmt::format("{} route {}{}", verb, route.destination.to_string(),
                     route.gateway ? " via " + route.gateway->to_string() : " on the link");
}

}  // namespace

Result<void> RouteSocket::add_link_route(uint32_t link, const LinkRoute& route) {
  Request request{RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL};
  fill_link_route(request, link, route);
  return request.send(socket_.get(), describe("add", route));
}

Result<void> RouteSocket::delete_link_route(uint32_t link, const LinkRoute& route) {
  Request request{RTM_DELROUTE, 0};
  fill_link_route(request, link, route);
  return request.send(socket_.get(), describe("delete", route));
}

Result<void> RouteSocket::set_mtu(uint32_t link, uint32_t mtu) {
  Request request{RTM_NEWLINK, 0};
  request.header<ifinfomsg>().ifi_index = static_cast<int>(link);
  request.put(IFLA_MTU, mtu);
  return request.send(socket_.get(), fmt::format("set the MTU of link {} to {}", link, mtu));
}

Result<void> RouteSocket::delete_route(const Route& route) {
  Request request{RTM_DELROUTE, 0};
  fill_route(request, route);
  return request.send(socket_.get(), describe("delete", route));
}

}  // namespace burrow::host
