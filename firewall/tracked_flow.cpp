#include "firewall/tracked_flow.h"

#include <arpa/inet.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>

#include <cstring>
#include <span>

#include "firewall/netlink.h"

namespace burrow::firewall {
namespace {

std::optional<uint16_t> read_port(std::span<const uint8_t> bytes) {
  if (bytes.size() < 2) return std::nullopt;
  return static_cast<uint16_t>(bytes[0] << 8 | bytes[1]);
}

std::optional<Protocol> read_protocol(std::span<const uint8_t> bytes) {
  if (bytes.empty()) return std::nullopt;
  switch (bytes.front()) {
    case IPPROTO_TCP:
      return Protocol::tcp;
    case IPPROTO_UDP:
      return Protocol::udp;
    case IPPROTO_SCTP:
      return Protocol::sctp;
    default:
      return std::nullopt;
  }
}

std::optional<IpAddress> read_address(std::span<const uint8_t> tuple, Family family, int type4,
                                      int type6) {
  const auto type = static_cast<uint16_t>(family == Family::ipv4 ? type4 : type6);
  const auto bytes = find_nested(find_nested(tuple, CTA_TUPLE_IP), type);
  if (bytes.size() != static_cast<size_t>(address_bits(family) / 8)) return std::nullopt;
  return IpAddress::from_bytes(bytes);
}

std::optional<FlowCount> read_count(std::span<const uint8_t> counters) {
  const auto number = [&](uint16_t type) -> std::optional<uint64_t> {
    const auto bytes = find_nested(counters, type);
    if (bytes.size() != sizeof(uint64_t)) return std::nullopt;
    uint64_t value = 0;
    for (const auto byte : bytes) value = value << 8U | byte;
    return value;
  };
  const auto packets = number(CTA_COUNTERS_PACKETS);
  const auto bytes = number(CTA_COUNTERS_BYTES);
  if (!packets || !bytes) return std::nullopt;
  return FlowCount{.packets = *packets, .bytes = *bytes};
}

}  // namespace

uint16_t conntrack_message(int type) {
  return static_cast<uint16_t>(NFNL_SUBSYS_CTNETLINK << 8 | type);
}

std::optional<TrackedFlow> read_flow(const nlmsghdr& message, Family family) {
  if (message.nlmsg_type != conntrack_message(IPCTNL_MSG_CT_NEW)) return std::nullopt;
  const auto attribute = [&](uint16_t type) {
    return find_attribute(message, sizeof(nfgenmsg), type);
  };
  const auto original = attribute(CTA_TUPLE_ORIG);
  const auto reply = attribute(CTA_TUPLE_REPLY);
  const auto ports = find_nested(original, CTA_TUPLE_PROTO);
  const auto protocol = read_protocol(find_nested(ports, CTA_PROTO_NUM));
  const auto destination = read_address(original, family, CTA_IP_V4_DST, CTA_IP_V6_DST);
  const auto port = read_port(find_nested(ports, CTA_PROTO_DST_PORT));
  const auto leads_to = read_address(reply, family, CTA_IP_V4_SRC, CTA_IP_V6_SRC);
  const auto leads_to_port =
      read_port(find_nested(find_nested(reply, CTA_TUPLE_PROTO), CTA_PROTO_SRC_PORT));
  if (!protocol || !destination || !port || !leads_to || !leads_to_port) return std::nullopt;

  uint32_t status = 0;
  if (const auto bytes = attribute(CTA_STATUS); bytes.size() == sizeof(status)) {
    std::memcpy(&status, bytes.data(), sizeof(status));
  }
  const auto copy = [&](uint16_t type) {
    const auto bytes = attribute(type);
    return std::vector<uint8_t>{bytes.begin(), bytes.end()};
  };
  return TrackedFlow{.family = family,
                     .protocol = *protocol,
                     .destination = *destination,
                     .destination_port = *port,
                     .leads_to = *leads_to,
                     .leads_to_port = *leads_to_port,
                     .is_translated = (ntohl(status) & IPS_DST_NAT) != 0,
                     .sent = read_count(attribute(CTA_COUNTERS_ORIG)),
                     .answered = read_count(attribute(CTA_COUNTERS_REPLY)),
                     .original = copy(CTA_TUPLE_ORIG),
                     .id = copy(CTA_ID),
                     .zone = copy(CTA_ZONE)};
}

}  // namespace burrow::firewall
