#include "plugins/tap/tap.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <charconv>
#include <cstring>

#include "host/fd.h"
#include "plugins/sdk/container.h"

namespace burrow::plugins {
namespace {

Result<uint32_t> number(const netstack::AttachmentRequest& asked, const std::string& key,
                        uint32_t otherwise) {
  const auto word = option_of(asked, key);
  if (!word) return otherwise;
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(word->data(), word->data() + word->size(), value);
  if (error != std::errc{} || end != word->data() + word->size()) {
    return fail(Errc::invalid_input, "unable to parse \"{}\": found \"{}\", expected a number", key,
                word->substr(0, 64));
  }
  return value;
}

// In the namespace of the calling thread. The link stays when the descriptor is closed.
Result<void> make_tap(const LinkName& name, uint32_t owner) {
  const host::Fd tun{::open("/dev/net/tun", O_RDWR | O_CLOEXEC)};
  if (!tun.is_open()) return system_failure(errno, "open \"/dev/net/tun\"");
  ifreq request{};
  std::memcpy(request.ifr_name, name.str().c_str(), name.str().size());
  request.ifr_flags = static_cast<short>(IFF_TAP | IFF_NO_PI | IFF_TUN_EXCL);
  if (::ioctl(tun.get(), TUNSETIFF, &request) != 0) {
    return system_failure(errno, fmt::format("make tap \"{}\"", name));
  }
  if (::ioctl(tun.get(), TUNSETOWNER, static_cast<unsigned long>(owner)) != 0) {
    return system_failure(errno, "set the owner of the tap");
  }
  if (::ioctl(tun.get(), TUNSETPERSIST, 1UL) != 0) return system_failure(errno, "keep the tap");
  return {};
}

MacAddress mac_of(const Attachment& attachment) {
  return attachment.asked.mac.value_or(MacAddress::derived_from(
      fmt::format("{} {}", attachment.container, attachment.asked.network.name)));
}

Result<void> furnish(const Attachment& attachment, Container& container,
                     const std::vector<netstack::StatusAddress>& addresses) {
  const auto& name = attachment.asked.interface;
  const auto mtu = TRY(number(attachment.asked, "mtu", 0));
  const auto link = TRY(container.route.find_link(name));
  if (!link) return fail(Errc::not_found, "link \"{}\" does not exist", name);
  TRY_VOID(container.route.change_link(
      link->index,
      {.mac = mac_of(attachment), .mtu = mtu == 0 ? std::nullopt : std::optional{mtu}}));
  return give_addresses(container, attachment.asked, addresses);
}

}  // namespace

std::string Tap::version() const { return "1.0"; }

Result<netstack::Network> Tap::create(netstack::Network network) {
  if (network.has_dns) {
    return fail(Errc::unsupported, "driver \"tap\" serves no names: dns_enabled must be false");
  }
  return network;
}

Result<netstack::Status> Tap::setup(const Attachment& attachment) {
  const auto& asked = attachment.asked;
  const auto addresses = TRY(addresses_of(asked));
  const auto owner = TRY(number(asked, "owner", 0));
  auto container = TRY(Container::open(attachment.netns));
  TRY_VOID(container.thread.run([&] { return make_tap(asked.interface, owner); }));
  if (auto furnished = furnish(attachment, container, addresses); !furnished) {
    if (const auto gone = container.route.delete_link(asked.interface); !gone) {
      furnished.error().message += fmt::format("; and then: {}", gone.error().message);
    }
    return Failure{std::move(furnished).error()};
  }
  return netstack::Status{.network = asked.network.name,
                          .interface = asked.interface,
                          .mac = mac_of(attachment),
                          .addresses = addresses};
}

Result<void> Tap::teardown(const Attachment& attachment) {
  auto container = Container::open(attachment.netns);
  if (!container) return {};  // the link has gone with the namespace
  const auto link = TRY(container->route.find_link(attachment.asked.interface));
  if (!link || link->kind != "tun") return {};
  return container->route.delete_link(attachment.asked.interface);
}

}  // namespace burrow::plugins
