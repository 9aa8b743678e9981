// Addresses and routes: what RouteSocket asks and changes about them.
#include <linux/netconf.h>

#include <algorithm>
#include <cerrno>

#include "host/route_request.h"
#include "host/rtnetlink.h"

namespace burrow::host {
namespace {

// The least metric of routes to ::1 that are ours.
constexpr uint32_t kLoopbackMetric = 1024;

// No network is that large: two halves of the internet (/1), and 2000::/3, are default routes too.
constexpr uint8_t kLongestDefault = 7;

bool is_address_size(size_t size) { return size == 4 || size == 16; }

// The common part of RTM_NEWADDR and RTM_DELADDR.
void fill_address(RouteRequest& request, uint32_t link, const IpInterface& address) {
  auto& header = request.header<ifaddrmsg>();
  header.ifa_family = kernel_family(address.address.family());
  header.ifa_prefixlen = address.prefix_length;
  header.ifa_index = link;
  request.put(IFA_LOCAL, address.address.bytes());
}

// The common part of RTM_NEWROUTE and RTM_DELROUTE.
void fill_route(RouteRequest& request, const Route& route) {
  auto& header = request.header<rtmsg>();
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

Result<std::vector<IpInterface>> RouteSocket::addresses_of(uint32_t link) {
  for (int attempt = 1;; ++attempt) {
    RouteRequest request{RTM_GETADDR, NLM_F_DUMP};
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

Result<std::optional<bool>> RouteSocket::forwards(Family family, std::optional<uint32_t> link) {
  RouteRequest request{RTM_GETNETCONF, 0};
  request.header<netconfmsg>().ncm_family = kernel_family(family);
  request.put(NETCONFA_IFINDEX, link.value_or(static_cast<uint32_t>(NETCONFA_IFINDEX_ALL)));
  std::optional<bool> is_on;
  auto sent = request.send(socket_.get(), "read forwarding", [&](nlmsghdr* message) {
    const Attributes<NETCONFA_MAX> attributes{message, NLMSG_ALIGN(sizeof(netconfmsg))};
    if (const auto value = attributes.u32(NETCONFA_FORWARDING)) is_on = *value != 0;
  });
  if (sent) return is_on;
  // Without the family nobody answers for it, nor for a link without it.
  if (sent.error().os_error == EOPNOTSUPP || sent.error().os_error == EAFNOSUPPORT ||
      (link && sent.error().os_error == EINVAL)) {
    return std::optional<bool>{};
  }
  return Failure{std::move(sent).error()};
}

Result<std::optional<uint32_t>> RouteSocket::route_link(const IpAddress& destination,
                                                        std::optional<uint32_t> vrf) {
  RouteRequest request{RTM_GETROUTE, 0};
  auto& header = request.header<rtmsg>();
  header.rtm_family = kernel_family(destination.family());
  header.rtm_dst_len = address_bits(destination.family());
  header.rtm_flags = RTM_F_FIB_MATCH;
  request.put(RTA_DST, destination.bytes());
  if (vrf) request.put(RTA_OIF, *vrf);
  std::optional<uint32_t> link;
  auto sent = request.send(socket_.get(), "find default route", [&](nlmsghdr* message) {
    // The route that matched, not the destination: the request asks for that.
    if (header_of<rtmsg>(message).rtm_dst_len > kLongestDefault) return;
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

Result<std::optional<uint32_t>> RouteSocket::default_route_link(std::optional<uint32_t> vrf) {
  // Documentation addresses (RFC 5737, 3849, 9637); several, because careful hosts have blackholes
  // for some of them, and others use them.
  for (const auto* address :
       {"192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"}) {
    if (const auto link = TRY(route_link(*IpAddress::parse(address), vrf))) return link;
  }
  return std::optional<uint32_t>{};
}

Result<std::vector<uint32_t>> RouteSocket::default_route_metrics(Family family) {
  for (int attempt = 1;; ++attempt) {
    RouteRequest request{RTM_GETROUTE, NLM_F_DUMP};
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

Result<void> RouteSocket::add_address(uint32_t link, const IpInterface& address) {
  RouteRequest request{RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL};
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
  RouteRequest request{RTM_DELADDR, 0};
  fill_address(request, link, address);
  return request.send(socket_.get(), fmt::format("delete address {}", address.to_string()));
}

Result<void> RouteSocket::add_route(const Route& route) {
  RouteRequest request{RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL};
  fill_route(request, route);
  return request.send(socket_.get(), describe("add", route));
}

Result<void> RouteSocket::add_loopback_route(uint32_t link) {
  RouteRequest request{RTM_NEWROUTE, NLM_F_CREATE};
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
  RouteRequest request{RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE};
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

void fill_link_route(RouteRequest& request, uint32_t link, const LinkRoute& route) {
  auto& header = request.header<rtmsg>();
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
  RouteRequest request{RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL};
  fill_link_route(request, link, route);
  return request.send(socket_.get(), describe("add", route));
}

Result<void> RouteSocket::delete_link_route(uint32_t link, const LinkRoute& route) {
  RouteRequest request{RTM_DELROUTE, 0};
  fill_link_route(request, link, route);
  return request.send(socket_.get(), describe("delete", route));
}

Result<void> RouteSocket::delete_route(const Route& route) {
  RouteRequest request{RTM_DELROUTE, 0};
  fill_route(request, route);
  return request.send(socket_.get(), describe("delete", route));
}

}  // namespace burrow::host
