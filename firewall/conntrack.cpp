#include "firewall/conntrack.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "firewall/netlink.h"
#include "firewall/tracked_flow.h"

namespace burrow::firewall {
namespace {

// Bits of CTA_FILTER_ORIG_FLAGS: which parts of the tuple to compare. The kernel keeps their names
// to itself (net/netfilter/nf_internals.h), the values are those of its interface.
constexpr uint32_t kCompareProtocol = 1U << 3U;
constexpr uint32_t kCompareDestinationPort = 1U << 5U;
// Up to here the kernel is asked once per port and hands out only what matches; beyond, once for
// all of UDP.
constexpr size_t kMostPortsAskedFor = 16;
constexpr size_t kMostDeletionsAtOnce = 32;

uint8_t kernel_family(Family family) { return family == Family::ipv4 ? AF_INET : AF_INET6; }

// Asks for the UDP entries of one family, all or those to one port. Kernels before 5.8 pass the
// filter over and list everything: what comes is compared again.
void put_dump(Messages& messages, Family family, std::optional<uint16_t> port) {
  auto* message = messages.start(conntrack_message(IPCTNL_MSG_CT_GET), NLM_F_DUMP,
                                 kernel_family(family), 0, 256);
  auto* tuple = mnl_attr_nest_start(message, CTA_TUPLE_ORIG);
  auto* protocol = mnl_attr_nest_start(message, CTA_TUPLE_PROTO);
  mnl_attr_put_u8(message, CTA_PROTO_NUM, IPPROTO_UDP);
  if (port) mnl_attr_put_u16(message, CTA_PROTO_DST_PORT, htons(*port));
  mnl_attr_nest_end(message, protocol);
  mnl_attr_nest_end(message, tuple);
  auto* filter = mnl_attr_nest_start(message, CTA_FILTER);
  mnl_attr_put_u32(message, CTA_FILTER_ORIG_FLAGS,
                   kCompareProtocol | (port ? kCompareDestinationPort : 0));
  mnl_attr_nest_end(message, filter);
  messages.finish();
}

void put_delete(Messages& messages, const TrackedFlow& entry) {
  const size_t room = 64 + entry.original.size() + entry.id.size() + entry.zone.size();
  auto* message = messages.start(conntrack_message(IPCTNL_MSG_CT_DELETE), NLM_F_ACK,
                                 kernel_family(entry.family), 0, room);
  mnl_attr_put(message, CTA_TUPLE_ORIG | NLA_F_NESTED, entry.original.size(),
               entry.original.data());
  // The identity keeps a successor with the same addresses and ports alive.
  mnl_attr_put(message, CTA_ID, entry.id.size(), entry.id.data());
  if (!entry.zone.empty()) mnl_attr_put(message, CTA_ZONE, entry.zone.size(), entry.zone.data());
  messages.finish();
}

// The addresses of this host, read when the first one is asked for.
class LocalAddresses {
 public:
  bool contains(const IpAddress& address) {
    if (address.is_loopback()) return true;
    if (!addresses_) read();
    return addresses_->contains(address);
  }

 private:
  void read() {
    addresses_.emplace();
    ifaddrs* first = nullptr;
    if (::getifaddrs(&first) != 0) return;
    const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> list{first, &::freeifaddrs};
    for (const auto* one = list.get(); one != nullptr; one = one->ifa_next) {
      if (one->ifa_addr == nullptr) continue;
      std::array<uint8_t, 16> bytes{};
      if (one->ifa_addr->sa_family == AF_INET) {
        std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in*>(one->ifa_addr)->sin_addr,
                    4);
        addresses_->insert(IpAddress::from_bytes(std::span{bytes}.first(4)));
      } else if (one->ifa_addr->sa_family == AF_INET6) {
        std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in6*>(one->ifa_addr)->sin6_addr,
                    16);
        addresses_->insert(IpAddress::from_bytes(bytes));
      }
    }
  }
  std::optional<std::set<IpAddress>> addresses_;
};

bool is_to_port(const PortMapping& mapping, uint16_t port) {
  return port >= mapping.host_port && port - mapping.host_port < mapping.count;
}

// Whether an entry goes to a port of `mapping`, and not to one of `targets` yet.
bool is_stale(const TrackedFlow& entry, const PortMapping& mapping,
              std::span<const IpAddress> targets, LocalAddresses& local) {
  if (!is_to_port(mapping, entry.destination_port)) return false;
  const auto& host = mapping.host_address;
  if (host && host->family() != entry.family) return false;
  if (host && !host->is_unspecified()) {
    if (*host != entry.destination) return false;
  } else if (!entry.is_translated && !local.contains(entry.destination)) {
    return false;  // only passes through this host
  }
  const auto container_port =
      static_cast<uint16_t>(mapping.container_port + (entry.destination_port - mapping.host_port));
  const bool leads_there = entry.leads_to_port == container_port &&
                           std::ranges::find(targets, entry.leads_to) != targets.end();
  return !leads_there;
}

Result<size_t> remove(NetfilterSocket& socket, std::span<const TrackedFlow> entries) {
  size_t removed = 0;
  while (!entries.empty()) {
    const auto now = entries.first(std::min(entries.size(), kMostDeletionsAtOnce));
    entries = entries.subspan(now.size());
    Messages messages;
    for (const auto& entry : now) put_delete(messages, entry);
    const auto refusals =
        TRY(socket.request(messages, [](const nlmsghdr&) -> Result<void> { return {}; }));
    for (const auto& refusal : refusals) {
      // Expired meanwhile.
      if (refusal.code != ENOENT) return system_failure(refusal.code, "forget a UDP connection");
    }
    removed += now.size() - refusals.size();
  }
  return removed;
}

}  // namespace

Result<size_t> forget_udp(std::span<const PortMapping> ports, std::span<const IpAddress> targets) {
  std::vector<PortMapping> mappings;
  size_t port_count = 0;
  for (const auto& mapping : ports) {
    if (mapping.protocol != Protocol::udp) continue;
    mappings.push_back(mapping);
    port_count += mapping.count;
  }
  if (mappings.empty()) return size_t{0};

  std::set<std::optional<uint16_t>> questions;
  if (port_count > kMostPortsAskedFor) {
    questions.insert(std::nullopt);
  } else {
    for (const auto& mapping : mappings) {
      for (uint32_t i = 0; i < mapping.count; ++i) {
        questions.insert(static_cast<uint16_t>(mapping.host_port + i));
      }
    }
  }

  auto socket = TRY(NetfilterSocket::open());
  LocalAddresses local;
  std::vector<TrackedFlow> stale;
  for (const auto family : {Family::ipv4, Family::ipv6}) {
    for (const auto& port : questions) {
      const size_t before = stale.size();
      TRY_VOID(socket.dump([&](Messages& messages) { put_dump(messages, family, port); },
                           [&](const nlmsghdr& message) -> Result<void> {
                             auto entry = read_flow(message, family);
                             if (entry && entry->protocol == Protocol::udp &&
                                 std::ranges::any_of(mappings, [&](const PortMapping& mapping) {
                                   return is_stale(*entry, mapping, targets, local);
                                 })) {
                               stale.push_back(*std::move(entry));
                             }
                             return {};
                           },
                           [&] { stale.resize(before); }));
    }
  }
  return remove(socket, stale);
}

}  // namespace burrow::firewall
