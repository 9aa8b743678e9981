#include "plugins/host-device/host_device.h"

#include <algorithm>
#include <chrono>

#include "host/link_watch.h"
#include "plugins/host-device/loan.h"
#include "plugins/sdk/container.h"
#include "plugins/sdk/memory.h"

namespace burrow::plugins {
namespace {

constexpr std::string_view kName = "host-device";
// How long the kernel may take to bring a physical link back from a namespace that has ended.
constexpr std::chrono::seconds kReturn{5};

Result<LinkName> device_of(const Attachment& attachment) {
  if (const auto word = option_of(attachment.asked, "host_interface_name")) {
    auto name = LinkName::parse(*word);
    if (!name) return with_context(std::move(name).error(), "host_interface_name");
    return *std::move(name);
  }
  if (attachment.asked.network.interface) return *attachment.asked.network.interface;
  return fail(Errc::invalid_input,
              "network \"{}\" names no link of the host: neither network_interface nor the option "
              "host_interface_name",
              attachment.asked.network.name);
}

Result<void> check_dispensable(const host::Link& link, host::RouteSocket& host) {
  const auto refuse = [&](std::string_view why) {
    return fail(Errc::unsupported, "link \"{}\" cannot be lent: {}", link.name, why);
  };
  if (link.name == "lo") return refuse("it is the loopback");
  if (link.master) return refuse("it is a port of another link");
  if (TRY(host.default_route_link()) == link.index)
    return refuse("the default route leads over it");
  return {};
}

Result<Loan> loan_of(const host::Link& link, host::RouteSocket& host) {
  Loan loan{.name = TRY(LinkName::parse(link.name)),
            .mac = link.mac,
            .mtu = link.mtu,
            .is_up = link.is_up,
            .is_physical = link.kind.empty(),
            .alias = link.alias};
  for (const auto& address : TRY(host.addresses_of(link.index))) {
    // The kernel makes link-local addresses anew.
    if (!(address.address.is_v6() && address.address.is_link_local())) {
      loan.addresses.push_back(address);
    }
  }
  return loan;
}

Result<std::optional<host::Link>> find_by_alias(host::RouteSocket& route,
                                                const std::string& alias) {
  for (auto& link : TRY(route.links())) {
    if (link.alias == alias) return std::optional{std::move(link)};
  }
  return std::nullopt;
}

// Waits for a physical link that the kernel is bringing back from a namespace that has ended.
Result<std::optional<host::Link>> wait_for_return(host::RouteSocket& host, const Loan& loan,
                                                  const std::string& alias) {
  const auto watch = TRY(host::LinkWatch::open());
  const auto deadline = std::chrono::steady_clock::now() + kReturn;
  for (;;) {
    if (auto link = TRY(find_by_alias(host, alias))) return link;
    if (!loan.is_physical) return std::nullopt;
    if (const auto changed = watch.wait(deadline); !changed) {
      if (changed.error().code == Errc::timeout) return std::nullopt;
      return Failure{changed.error()};
    }
  }
}

// Makes a link that is on the host again what it was.
Result<void> restore(host::RouteSocket& host, const host::Link& link, const Loan& loan) {
  if (link.is_up) TRY_VOID(host.set_down(TRY(LinkName::parse(link.name))));
  TRY_VOID(host.change_link(
      link.index, {.name = loan.name, .mac = loan.mac, .mtu = loan.mtu, .alias = loan.alias}));
  if (loan.is_up) TRY_VOID(host.set_up(loan.name));
  for (const auto& address : loan.addresses) {
    const auto added = host.add_address(link.index, address);
    if (!added && added.error().code != Errc::already_exists) return added;
  }
  return {};
}

// Brings a lent link home, from wherever it is.
Result<void> give_back(const Attachment& attachment, const Loan& loan) {
  auto host = TRY(host::RouteSocket::open());
  const auto alias = alias_of(attachment);
  auto container = Container::open(attachment.netns);
  if (container) {
    if (const auto inside = TRY(find_by_alias(container->route, alias))) {
      if (TRY(host.find_link(loan.name))) {
        return fail(Errc::already_exists,
                    "link \"{}\" cannot be given back: the host has another one of that name",
                    loan.name);
      }
      TRY_VOID(
          container->route.move_link(inside->index, TRY(host::NetNs::own()), {.name = loan.name}));
    }
  }
  const auto link =
      container ? TRY(find_by_alias(host, alias)) : TRY(wait_for_return(host, loan, alias));
  if (!link) return {};  // it has died with the namespace, or was deleted there
  return restore(host, *link, loan);
}

Result<MacAddress> lend(const Attachment& attachment, const host::Link& link,
                        host::RouteSocket& host, Container& container,
                        const std::vector<netstack::StatusAddress>& addresses) {
  const auto& asked = attachment.asked;
  // The alias first: by it the link is found, should we end here.
  TRY_VOID(host.change_link(link.index, {.alias = alias_of(attachment)}));
  TRY_VOID(host.move_link(link.index, container.netns, {.name = asked.interface}));
  const auto inside = TRY(container.route.find_link(asked.interface));
  if (!inside) return fail(Errc::not_found, "link \"{}\" did not arrive", link.name);
  if (asked.mac) TRY_VOID(container.route.change_link(inside->index, {.mac = asked.mac}));
  TRY_VOID(give_addresses(container, asked, addresses));
  return asked.mac.value_or(inside->mac);
}

}  // namespace

std::string HostDevice::version() const { return "1.0"; }

Result<netstack::Network> HostDevice::create(netstack::Network network) {
  if (network.has_dns) {
    return fail(Errc::unsupported, "driver \"{}\" serves no names: dns_enabled must be false",
                kName);
  }
  if (network.subnets.empty()) network.ipam_options.emplace("driver", "none");
  return network;
}

Result<netstack::Status> HostDevice::setup(const Attachment& attachment) {
  const auto& asked = attachment.asked;
  const auto device = TRY(device_of(attachment));
  const auto addresses = TRY(addresses_of(asked));
  TRY_VOID(teardown(attachment));  // of an earlier life that ended without one
  auto host = TRY(host::RouteSocket::open());
  const auto link = TRY(host.find_link(device));
  if (!link) {
    return fail(Errc::not_found, "link \"{}\" of network \"{}\" does not exist on the host", device,
                asked.network.name);
  }
  TRY_VOID(check_dispensable(*link, host));
  const auto loan = TRY(loan_of(*link, host));
  auto container = TRY(Container::open(attachment.netns));
  if (TRY(container.route.find_link(asked.interface))) {
    return fail(Errc::already_exists, "interface \"{}\" already exists in the container",
                asked.interface);
  }
  const Memory memory{kName, attachment};
  TRY_VOID(memory.write(encode(loan)));
  const auto mac = lend(attachment, *link, host, container, addresses);
  if (!mac) {
    auto failure = Failure{mac.error()};
    if (const auto back = teardown(attachment); !back) {
      failure.value().message += fmt::format("; and then: {}", back.error().message);
    }
    return failure;
  }
  return netstack::Status{.network = asked.network.name,
                          .interface = asked.interface,
                          .mac = *mac,
                          .addresses = addresses};
}

Result<void> HostDevice::teardown(const Attachment& attachment) {
  const Memory memory{kName, attachment};
  const auto notes = TRY(memory.read());
  if (!notes) return {};
  TRY_VOID(give_back(attachment, TRY(decode_loan(*notes))));
  return memory.forget();
}

}  // namespace burrow::plugins
