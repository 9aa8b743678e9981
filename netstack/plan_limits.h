// What the limits of networks and containers come to in a plan, also when they change while
// containers run. Pure.
#pragma once

#include <string_view>
#include <vector>

#include "firewall/limits.h"
#include "netstack/limit_words.h"
#include "netstack/plan.h"
#include "netstack/plan_bridge.h"

namespace burrow::netstack {

/// Checks that whatever limits the attachment has can hold. Errors: unsupported for a bridge that
/// is not managed, or with another firewall than nftables; invalid_input for a container without
/// addresses.
Result<void> check_limits(const BridgeAttachment& attachment, FirewallDriver firewall);

/// Checks that the names in lists of the attachment are going to be answered by a daemon of ours.
/// Errors: unsupported, for a network or a host without DNS.
Result<void> check_listed_names(const BridgeAttachment& attachment, const Snapshot& snapshot);

/// The lines of the names in lists: of the container, and of the network itself.
std::vector<std::string> name_lines(const ContainerId& container, std::string_view name,
                                    const BridgeAttachment& attachment);
std::vector<std::string> network_name_lines(const BridgeAttachment& attachment);

/// Has the lists that the network on record was given while containers ran count for `attachment`.
/// Errors: corrupt, when the record has words that are none.
Result<void> keep_changed_lists(const std::optional<NetworkRecord>& record,
                                BridgeAttachment& attachment);

/// What the container is limited to on this network.
firewall::Limits container_limits(const BridgeAttachment& attachment);

/// A warning in words: packets within the network pass by every table of the family inet.
std::string lacks_bridge_netfilter(const NetworkName& network);

/// The elements of a container's limits on a network.
std::vector<firewall::Element> limit_elements(const ContainerId& container, std::string_view name,
                                              const BridgeAttachment& attachment);

/// The addresses by which the firewall knows the container of `record`.
std::vector<IpAddress> limited_addresses(const AttachmentRecord& record);

/// Changes of limits by their option; an empty word takes one away, and what is not named stays.
using LimitChanges = Strings;

/// Where the packets go that the network's bridge passes from port to port.
struct BridgedNow {
  host::BridgedPackets packets = host::BridgedPackets::past_firewall;
  std::optional<BridgeNetfilter> netfilter;
};

/// Plans other limits for a container that runs on a network; has them hold within the network,
/// too. Errors: invalid_input; unsupported where the record is of no attachment to a bridge that
/// nftables guards.
Result<Plan> plan_limits(const AttachmentRecord& record, const NetworkRecord& network,
                         const BridgedNow& bridged, const LimitChanges& changes);

/// Plans other lists for a network that containers run on, of which `attachments` are the records.
/// Rates are each container's. Errors: invalid_input, unsupported.
Result<Plan> plan_limits(const NetworkRecord& record,
                         const std::vector<AttachmentRecord>& attachments,
                         const LimitChanges& changes);

}  // namespace burrow::netstack
