// One entry of connection tracking as the kernel tells it (ctnetlink). For this folder alone. Reads
// messages and sends none.
#pragma once

#include <linux/netlink.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "core/ip.h"
#include "core/port.h"

namespace burrow::firewall {

/// What was counted of a flow in one direction; only where net.netfilter.nf_conntrack_acct is on.
struct FlowCount {
  uint64_t packets = 0;
  uint64_t bytes = 0;
};

/// A flow between a client and where it was led.
struct TrackedFlow {
  Family family = Family::ipv4;
  Protocol protocol = Protocol::tcp;
  IpAddress destination;          ///< what the client sends to
  uint16_t destination_port = 0;  ///< likewise
  IpAddress leads_to;             ///< who answers
  uint16_t leads_to_port = 0;
  bool is_translated = false;  ///< the destination was
  std::optional<FlowCount> sent;
  std::optional<FlowCount> answered;
  // What names the entry to the kernel, as it wrote it.
  std::vector<uint8_t> original;
  std::vector<uint8_t> id;
  std::vector<uint8_t> zone;
};

/// The type of a message about conntrack, such as IPCTNL_MSG_CT_GET.
uint16_t conntrack_message(int type);

/// Reads an entry of `family`; nothing for other messages and for protocols without ports.
std::optional<TrackedFlow> read_flow(const nlmsghdr& message, Family family);

}  // namespace burrow::firewall
