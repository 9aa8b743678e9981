// A container on a LAN of the host, by macvlan or ipvlan: checked, and as steps. There is no
// network on the host to make, and no firewall. Pure.
#pragma once

#include <string>
#include <vector>

#include "netstack/lan_options.h"
#include "netstack/plan_container.h"
#include "netstack/plan_lease.h"
#include "netstack/snapshot.h"

namespace burrow::netstack {

/// One attachment of a request with everything about it decoded and checked.
struct LanAttachment {
  const AttachmentRequest* request;  ///< borrowed from the request
  LanOptions options;
  Addressing addressing;
};

/// Checks one attachment. Errors: invalid_input, unsupported.
Result<LanAttachment> decode_lan_attachment(const AttachmentRequest& request);

/// The link inside the container, on the parent that was observed. Errors: not_found for the
/// parent; invalid_input for a parent that cannot be one, or an MTU beyond the parent's.
Result<host::NewLanLink> lan_link_of(const LanAttachment& attachment, const ContainerId& container,
                                     const NetworkSnapshot& network);

/// The link's MAC address once it is made: its own, or the parent's where it has that.
MacAddress mac_of(const host::NewLanLink& link, const ParentSnapshot& parent);

/// The steps of the attachment, made up of the link and what it gets inside.
Steps lan_attachment_steps(const LanAttachment& attachment, const host::NewLanLink& link,
                           const ContainerSnapshot& container, UsedMetrics& used);

/// The container's link of an attachment whose addresses are leased.
LeasedLink lease_of(const LanAttachment& attachment, const MacAddress& mac);

/// The link group by which an attachment's link is known as ours: from container and network alone.
uint32_t lan_group(const ContainerId& container, const NetworkName& network);

}  // namespace burrow::netstack
