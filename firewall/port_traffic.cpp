#include "firewall/port_traffic.h"

#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>

#include "firewall/netlink.h"
#include "firewall/tracked_flow.h"

namespace burrow::firewall {
namespace {

// Those alone whose destination was translated. Older kernels pass the filter over and list
// everything: what comes is looked at again.
void put_dump(Messages& messages, Family family) {
  const uint8_t kernel_family = family == Family::ipv4 ? AF_INET : AF_INET6;
  auto* message =
      messages.start(conntrack_message(IPCTNL_MSG_CT_GET), NLM_F_DUMP, kernel_family, 0, 64);
  mnl_attr_put_u32(message, CTA_STATUS, htonl(IPS_DST_NAT));
  mnl_attr_put_u32(message, CTA_STATUS_MASK, htonl(IPS_DST_NAT));
  messages.finish();
}

std::optional<uint64_t> sum(const std::optional<uint64_t>& one,
                            const std::optional<uint64_t>& other) {
  if (!one || !other) return std::nullopt;
  return *one + *other;
}

}  // namespace

void PortTraffic::add(const PortTraffic& other) {
  bytes_to_container = connections == 0 ? other.bytes_to_container
                                        : sum(bytes_to_container, other.bytes_to_container);
  bytes_from_container = connections == 0 ? other.bytes_from_container
                                          : sum(bytes_from_container, other.bytes_from_container);
  connections += other.connections;
}

Result<std::map<LedPort, PortTraffic>> led_traffic() {
  std::map<LedPort, PortTraffic> traffic;
  auto socket = TRY(NetfilterSocket::open());
  for (const auto family : {Family::ipv4, Family::ipv6}) {
    std::map<LedPort, PortTraffic> of_family;
    const auto count = [&](const nlmsghdr& message) -> Result<void> {
      const auto flow = read_flow(message, family);
      if (!flow || !flow->is_translated) return {};
      PortTraffic one{.connections = 1};
      if (flow->sent) one.bytes_to_container = flow->sent->bytes;
      if (flow->answered) one.bytes_from_container = flow->answered->bytes;
      of_family[{.protocol = flow->protocol,
                 .host_address = flow->destination,
                 .host_port = flow->destination_port,
                 .to = flow->leads_to,
                 .to_port = flow->leads_to_port}]
          .add(one);
      return {};
    };
    TRY_VOID(socket.dump([&](Messages& messages) { put_dump(messages, family); }, count,
                         [&] { of_family.clear(); }));
    traffic.merge(of_family);
  }
  return traffic;
}

}  // namespace burrow::firewall
