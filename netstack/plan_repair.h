// How the host differs from what the journal says stands on it, and what mends each difference.
// Pure: the journal and the host as values in, differences and steps out.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "firewall/accepts.h"
#include "firewall/firewalld_entries.h"
#include "firewall/nftables.h"
#include "netstack/record.h"

namespace burrow::netstack {

/// A link as far as a record speaks of it.
struct LinkView {
  MacAddress mac;
  bool is_up = false;
  std::string master;  ///< empty for none
  host::BridgedPackets bridged_packets = host::BridgedPackets::past_firewall;
  std::vector<IpInterface> addresses;
};

/// A network on record.
struct NetworkView {
  NetworkRecord record;
  std::optional<LinkView> bridge;
  /// Of the settings that the record made, the values that are there now, by key.
  std::map<std::string, std::string> settings;
};

/// An attachment on record.
struct AttachmentView {
  AttachmentRecord record;
  bool has_netns = false;             ///< the container's namespace can be entered
  std::optional<LinkView> host_link;  ///< the link that has the recorded name
  std::optional<LinkView> inside;     ///< likewise in the namespace
  bool has_dns_entry = false;
};

/// firewalld, looked at where records have entries there.
struct FirewalldView {
  bool is_running = false;
  std::vector<std::string> unread;  ///< of the package's files; the rest is read if there are none
  std::set<firewall::FirewalldEntry> standing;
};

/// All that a repair looks at.
struct RepairView {
  std::optional<firewall::TableState> table;  ///< nothing where the kernel has no nftables
  std::vector<firewall::Element> standing;    ///< in the table, sorted
  std::optional<FirewalldView> firewalld;
  std::vector<NetworkView> networks;
  std::vector<AttachmentView> attachments;
  /// Chains of others; read where a network needs something of them.
  std::optional<firewall::Neighbourhood> neighbours;
};

/// One thing that is not as it is on record.
struct Difference {
  std::string where;  ///< "network front", "container web on front", "firewall"
  std::string what;   ///< what was found
  /// What mends it; nothing when a repair cannot, and then `advice` says who can.
  std::optional<std::string> remedy;
  std::string advice;
  friend bool operator==(const Difference&, const Difference&) = default;
};

/// Steps inside of one container.
struct ContainerRepair {
  std::string netns;
  Steps steps;
};

/// What mends the differences, in this order.
struct RepairPlan {
  std::vector<Difference> differences;
  /// Attachments whose namespace is gone: they are taken down by their records.
  std::map<ContainerId, std::vector<NetworkName>> ended;
  Steps host;
  std::vector<ContainerRepair> containers;
  TableChange table = TableChange::keep;
  std::vector<std::vector<firewall::Element>> elements;  ///< missing ones, by record
  ChangeFirewalld firewalld;                             ///< of records that lack entries there
  Steps neighbours;  ///< rules in chains of others, once our table filters what those let pass
  bool serves_dns = false;  ///< names have changed: the daemon is to be told
};

/// Compares. What belongs to an attachment that is taken down is not compared.
RepairPlan plan_repair(const RepairView& view);

}  // namespace burrow::netstack
