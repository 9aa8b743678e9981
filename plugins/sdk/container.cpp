#include "plugins/sdk/container.h"

#include <charconv>

#include "plugins/sdk/attachment.h"

namespace burrow::plugins {
namespace {

constexpr uint32_t kDefaultMetric = 100;

Result<uint32_t> default_metric(const netstack::AttachmentRequest& asked) {
  const auto word = option_of(asked, "metric");
  if (!word) return kDefaultMetric;
  uint32_t metric = 0;
  const auto [end, error] = std::from_chars(word->data(), word->data() + word->size(), metric);
  if (error != std::errc{} || end != word->data() + word->size()) {
    return fail(Errc::invalid_input,
                "unable to parse \"metric\": found \"{}\", expected a number from 0 to 4294967295",
                word->substr(0, 64));
  }
  return metric;
}

Result<bool> wants_default_route(const netstack::AttachmentRequest& asked) {
  const auto word = option_of(asked, "no_default_route").value_or("false");
  if (word != "true" && word != "false") {
    return fail(Errc::invalid_input,
                "unable to parse \"no_default_route\": found \"{}\", expected true or false",
                word.substr(0, 64));
  }
  return word == "false" && !asked.network.is_internal;
}

host::RouteKind kind_of(netstack::RouteType type) {
  switch (type) {
    case netstack::RouteType::unicast:
      return host::RouteKind::unicast;
    case netstack::RouteType::blackhole:
      return host::RouteKind::blackhole;
    case netstack::RouteType::unreachable:
      return host::RouteKind::unreachable;
    case netstack::RouteType::prohibit:
      return host::RouteKind::prohibit;
  }
  return host::RouteKind::unicast;
}

IpNetwork everywhere(Family family) {
  return *IpNetwork::containing(family == Family::ipv4 ? IpAddress::v4(0) : *IpAddress::parse("::"),
                                0);
}

}  // namespace

Result<Container> Container::open(const std::filesystem::path& path) {
  auto netns = TRY(host::NetNs::open(path));
  auto thread = TRY(host::NetNsThread::start(netns));
  auto route = TRY(thread.run([] { return host::RouteSocket::open(); }));
  return Container{std::move(netns), std::move(thread), std::move(route)};
}

Result<void> give_addresses(Container& container, const netstack::AttachmentRequest& asked,
                            const std::vector<netstack::StatusAddress>& addresses) {
  const auto metric = TRY(default_metric(asked));
  const bool has_default_route = TRY(wants_default_route(asked));
  auto& route = container.route;
  const auto link = TRY(route.find_link(asked.interface));
  if (!link) return fail(Errc::not_found, "link \"{}\" does not exist", asked.interface);
  for (const auto& one : addresses) TRY_VOID(route.add_address(link->index, one.address));
  TRY_VOID(route.set_up(asked.interface));
  for (const auto family : {Family::ipv4, Family::ipv6}) {
    for (const auto& one : addresses) {
      if (!has_default_route || !one.gateway || one.gateway->family() != family) continue;
      TRY_VOID(route.add_route({everywhere(family), one.gateway, metric}));
      break;
    }
  }
  for (const auto& wanted : asked.network.routes) {
    TRY_VOID(route.add_route({.destination = wanted.destination,
                              .gateway = wanted.gateway,
                              .metric = wanted.metric.value_or(kDefaultMetric),
                              .kind = kind_of(wanted.type)}));
  }
  return {};
}

}  // namespace burrow::plugins
