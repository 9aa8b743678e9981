// How our table comes back from what the journal knows. Pure.
#pragma once

#include <vector>

#include "firewall/nftables.h"
#include "netstack/record.h"

namespace burrow::netstack {

/// The elements of the records, one group per record, networks first; records without any are left
/// out.
std::vector<std::vector<firewall::Element>> recorded_groups(
    const std::vector<NetworkRecord>& networks, const std::vector<AttachmentRecord>& attachments);

/// What makes a table in this state whole.
TableChange table_change_for(firewall::TableState table);

/// One change that makes the table have all of `groups`: a table that stands is kept with all that
/// is in it, since other run directories may share it, and gets the parts back that it lacks; one
/// that is missing or outdated is made anew.
ChangeFirewall plan_reload(firewall::TableState table,
                           const std::vector<std::vector<firewall::Element>>& groups);

}  // namespace burrow::netstack
