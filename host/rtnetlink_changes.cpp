// What RouteSocket changes about links that stand already: names, addresses, where they are.
#include <linux/if_link.h>

#include "host/route_request.h"
#include "host/rtnetlink.h"

namespace burrow::host {
namespace {

void put_changes(RouteRequest& request, const LinkChange& change) {
  if (change.name) request.put(IFLA_IFNAME, *change.name);
  if (change.mac) request.put(IFLA_ADDRESS, change.mac->bytes());
  if (change.mtu) request.put(IFLA_MTU, *change.mtu);
  if (change.alias) request.put(IFLA_IFALIAS, change.alias->data(), change.alias->size());
}

}  // namespace

Result<void> RouteSocket::change_link(uint32_t index, const LinkChange& change) {
  RouteRequest request{RTM_SETLINK, 0};
  request.header<ifinfomsg>().ifi_index = static_cast<int>(index);
  put_changes(request, change);
  return request.send(socket_.get(), fmt::format("change link {}", index));
}

Result<void> RouteSocket::move_link(uint32_t index, const NetNs& to, const LinkChange& change) {
  RouteRequest request{RTM_SETLINK, 0};
  request.header<ifinfomsg>().ifi_index = static_cast<int>(index);
  request.put(IFLA_NET_NS_FD, static_cast<uint32_t>(to.fd().get()));
  put_changes(request, change);
  return request.send(socket_.get(), fmt::format("move link {}", index));
}

}  // namespace burrow::host
