#include "dhcp/link_lease.h"

#include <algorithm>
#include <cerrno>

#include "core/log.h"

namespace burrow::dhcp {
namespace {

// Destinations on the link first: gateways may lie in them.
std::vector<host::LinkRoute> routes_of(const LeaseRequest& request, const Lease& lease) {
  std::vector<host::LinkRoute> routes;
  for (const auto& route : lease.routes) {
    const bool is_default = route.destination.prefix_length() == 0;
    if (is_default && request.default_route == DefaultRoute::leave) continue;
    const host::LinkRoute one{route.destination, route.gateway, request.metric};
    const auto same = [&](const host::LinkRoute& other) {
      return other.destination == one.destination;
    };
    if (std::ranges::find_if(routes, same) == routes.end()) routes.push_back(one);
  }
  std::ranges::stable_partition(routes, [](const auto& route) { return !route.gateway; });
  return routes;
}

std::optional<seconds> time_left(const Lease& lease, Instant since) {
  if (lease.times.valid == kForever) return std::nullopt;
  return std::chrono::ceil<seconds>(since + lease.times.valid - BootClock::now());
}

void delete_route(Footing& footing, const host::LinkRoute& route) {
  const auto deleted = footing.route.delete_link_route(footing.link.index, route);
  if (!deleted && deleted.error().code != Errc::not_found) {
    log::warn("dhcp", "{}", deleted.error().message);
  }
}

Result<void> add_routes(Footing& footing, const std::vector<host::LinkRoute>& routes) {
  for (const auto& route : routes) {
    auto added = footing.route.add_link_route(footing.link.index, route);
    if (!added) return with_context(std::move(added).error(), "the server's routes");
  }
  return {};
}

Result<void> lower_mtu(Footing& footing, const LeaseRequest& request, const Lease& lease) {
  if (!lease.mtu || request.mtu == MtuFrom::link || *lease.mtu >= footing.link.mtu) return {};
  TRY_VOID(footing.route.set_mtu(footing.link.index, *lease.mtu));
  footing.link.mtu = *lease.mtu;
  return {};
}

}  // namespace

Result<void> put_on_link(Footing& footing, const LeaseRequest& request, const Lease& lease,
                         Instant since) {
  TRY_VOID(lower_mtu(footing, request, lease));
  TRY_VOID(footing.route.keep_address(footing.link.index, lease.address, time_left(lease, since)));
  auto added = add_routes(footing, routes_of(request, lease));
  if (!added) take_off_link(footing, request, lease);
  return added;
}

void renew_on_link(Footing& footing, const LeaseRequest& request, const Lease& before,
                   const Lease& after, Instant since) {
  const auto warn = [](const Result<void>& result) {
    if (!result) log::warn("dhcp", "{}", result.error().message);
  };
  warn(lower_mtu(footing, request, after));
  if (before.address != after.address) {
    warn(footing.route.delete_address(footing.link.index, before.address));
  }
  warn(footing.route.keep_address(footing.link.index, after.address, time_left(after, since)));
  auto old_routes = routes_of(request, before);
  auto new_routes = routes_of(request, after);
  for (const auto& route : old_routes) {
    if (std::ranges::find(new_routes, route) == new_routes.end()) delete_route(footing, route);
  }
  // With its only address the link has lost all its routes.
  if (before.address == after.address) {
    std::erase_if(new_routes, [&](const host::LinkRoute& route) {
      return std::ranges::find(old_routes, route) != old_routes.end();
    });
  }
  for (const auto& route : new_routes) {
    const auto added = footing.route.add_link_route(footing.link.index, route);
    if (!added && added.error().code != Errc::already_exists) warn(added);
  }
}

void take_off_link(Footing& footing, const LeaseRequest& request, const Lease& lease) {
  for (const auto& route : routes_of(request, lease)) delete_route(footing, route);
  const auto deleted = footing.route.delete_address(footing.link.index, lease.address);
  // Unless the kernel was first, at the end of the lease.
  if (!deleted && deleted.error().os_error != EADDRNOTAVAIL) {
    log::warn("dhcp", "{}", deleted.error().message);
  }
}

}  // namespace burrow::dhcp
