// macvlan and ipvlan links: how RouteSocket makes them inside a container, and deletes them there.
#include <linux/if_link.h>

#include <cerrno>

#include "host/route_request.h"
#include "host/rtnetlink.h"

namespace burrow::host {
namespace {

// Newer than the headers that we build with.
constexpr int kBroadcastCutoff = 9;  // IFLA_MACVLAN_BC_CUTOFF

// Where indexes of links are looked for that are free in two namespaces, and how often. Far above
// those that kernels count up to, and still short to read.
constexpr uint32_t kFirstIndex = 1U << 16U;
constexpr uint32_t kIndexCount = 1U << 20U;
constexpr uint32_t kIndexAttempts = 8;

std::string_view kind_of(const NewLanLink& link) {
  return std::holds_alternative<Macvlan>(link.kind) ? "macvlan" : "ipvlan";
}

void put_kind(RouteRequest& request, const Macvlan& macvlan) {
  request.put(IFLA_MACVLAN_MODE, static_cast<uint32_t>(macvlan.mode));
  if (macvlan.broadcast_cutoff) {
    const auto cutoff = *macvlan.broadcast_cutoff;
    request.put(kBroadcastCutoff, &cutoff, sizeof cutoff);
  }
}

void put_kind(RouteRequest& request, const Ipvlan& ipvlan) {
  const auto mode = static_cast<uint16_t>(ipvlan.mode);
  request.put(IFLA_IPVLAN_MODE, &mode, sizeof mode);
}

// With `index` 0 the kernel chooses the link's index.
Result<void> create(const NewLanLink& link, uint32_t parent, const NetNs& home, uint32_t index,
                    nl_sock* socket) {
  RouteRequest request{RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL};
  request.header<ifinfomsg>().ifi_index = static_cast<int>(index);
  request.put(IFLA_IFNAME, link.name)
      .put(IFLA_LINK, parent)
      .put(IFLA_NET_NS_FD, static_cast<uint32_t>(home.fd().get()))
      .put(IFLA_GROUP, link.group);
  if (link.mtu) request.put(IFLA_MTU, *link.mtu);
  if (const auto* macvlan = std::get_if<Macvlan>(&link.kind); macvlan && macvlan->mac) {
    request.put(IFLA_ADDRESS, macvlan->mac->bytes());
  }
  request.nest(IFLA_LINKINFO, [&] {
    request.put(IFLA_INFO_KIND, std::string{kind_of(link)}).nest(IFLA_INFO_DATA, [&] {
      std::visit([&](const auto& kind) { put_kind(request, kind); }, link.kind);
    });
  });
  return request.send(socket, fmt::format("create {} \"{}\" on parent \"{}\"", kind_of(link),
                                          link.name, link.parent));
}

}  // namespace

Result<void> RouteSocket::create_lan_link(const NewLanLink& link, const NetNs& home) {
  const auto parent = TRY(find_link(link.parent));
  if (!parent) return fail(Errc::not_found, "parent \"{}\" does not exist", link.parent);
  auto made = create(link, parent->index, home, 0, socket_.get());
  // Before Linux 6.15 the name counts as taken when a link of *this* namespace has it. Where the
  // request names an index the kernel looks for that instead, and the name has to be free only
  // where the link is born.
  for (uint32_t i = 0; i < kIndexAttempts && !made; ++i) {
    const auto error = made.error().os_error;
    const bool is_index_taken = i > 0 && error == EBUSY;
    if (error != EEXIST && !is_index_taken) break;
    const auto index = kFirstIndex + (link.group + i) % kIndexCount;
    made = create(link, parent->index, home, index, socket_.get());
  }
  if (!made && made.error().os_error == EOPNOTSUPP) {
    return fail(Errc::unsupported, "the kernel has no {} (or its module is not loaded): {}",
                kind_of(link), made.error().message);
  }
  return made;
}

Result<void> RouteSocket::delete_link_group(uint32_t group) {
  RouteRequest request{RTM_DELLINK, 0};
  request.header<ifinfomsg>();
  request.put(IFLA_GROUP, group);
  return request.send(socket_.get(), fmt::format("delete links of group {}", group));
}

}  // namespace burrow::host
