// Deciding what to do, from values to values: no file, no socket, no clock. The same plan is what a
// dry run prints, what the journal stores and what is executed.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "netstack/record.h"
#include "netstack/request.h"
#include "netstack/snapshot.h"
#include "netstack/status.h"
#include "netstack/step.h"

namespace burrow::netstack {

enum class FirewallDriver { nftables, firewalld, none };

/// What the command line and the environment say.
struct Settings {
  FirewallDriver firewall = FirewallDriver::nftables;
  uint16_t dns_port = 53;
  /// Of networks that do not say.
  firewall::Publishing publishing = firewall::Publishing::open;
  firewall::OtherFirewalls other_firewalls = firewall::OtherFirewalls::leave;
  std::string netns;  ///< path of the container's namespace
  /// Programs of drivers that are not ours, by driver, as far as there are any.
  std::map<std::string, std::string> plugins = {};
};

/// What to do, in order, and what the journal says afterwards.
struct Plan {
  Steps steps;
  std::vector<RecordChange> changes;
  /// Steps that other programs carry out: after the others in a set-up, before them in a teardown.
  Steps errands = {};
};

struct SetupPlan {
  Plan plan;
  std::vector<Status> statuses;       ///< in the order of the request
  std::vector<std::string> warnings;  ///< sentences about what was asked for to no effect
};

/// Plans the attachment of a container to all networks of `request`. Only what the snapshot lacks
/// is planned, so that taking the plan back leaves what stood before. Errors: invalid_input for
/// what cannot be meant, already_exists for names that are taken, unsupported.
Result<SetupPlan> plan_setup(const SetupRequest& request, const Snapshot& snapshot,
                             const Settings& settings);

/// Plans the end of these attachments of one container; those without a record are passed over. Of
/// these networks, those that no attachment is left on go too, and our table with the last network.
Plan plan_teardown(const std::vector<NetworkName>& networks, const Snapshot& snapshot);

/// What brings back the attachments in the namespace `netns` that `teardown` ends, together with
/// the networks and the table that it ends with them; nothing if there are none. `before` is what
/// `teardown` was planned on.
Steps plan_put_back(const Plan& teardown, const Snapshot& before, const std::string& netns);

/// Plans the end of attachments that somebody else made, as far as they show: what they must be
/// follows from the request. Those that have a record are passed over.
Plan plan_foreign_teardown(const SetupRequest& request, const Snapshot& snapshot,
                           const Settings& settings);

/// Plans the end of networks that somebody else made and nobody uses any more.
Plan plan_unused_networks(const SetupRequest& request, const Snapshot& snapshot);

/// The name of a network's file in the DNS directory.
std::string dns_file_of(const Network& network);

/// The names for the host's end of a veth pair, best first: from container and network alone, so
/// that they are the same every time; more than one because any name may be taken.
std::vector<LinkName> host_link_names(const ContainerId& container, const NetworkName& network);

}  // namespace burrow::netstack
