// What the journal remembers: the executed steps of the host, of each network and of each
// attachment (container on network), by which teardown works. Pure values and their JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/names.h"
#include "firewall/policy.h"
#include "netstack/network.h"
#include "netstack/step.h"

namespace burrow::netstack {

/// What all networks share: our table and the forwarding settings.
struct HostRecord {
  Steps steps;
};

/// What all attachments of one network share: bridge, its addresses, its firewall elements.
struct NetworkRecord {
  NetworkName network;
  LinkName bridge;
  Steps steps;
  /// Lists that were changed while containers ran, by option; empty: taken away. They count instead
  /// of what definitions say, as long as there is a record.
  Strings limits = {};

  /// Whether the bridge is of our making, and so ours to delete.
  [[nodiscard]] bool owns_bridge() const;
  /// What the host's setting `key` was last given; nothing where it never was.
  [[nodiscard]] std::optional<std::string> setting(std::string_view key) const;
  /// Whether the bridge, somebody else's, filters VLANs for this network's sake.
  [[nodiscard]] bool filters_vlans() const;
  /// Whether what its bridge passes has to meet the firewall.
  [[nodiscard]] bool leads_bridged_packets() const;
};

/// One container on one network.
struct AttachmentRecord {
  ContainerId container;
  std::string container_name;
  NetworkName network;
  LinkName interface;  ///< inside the container
  std::string netns;   ///< path of the container's namespace
  uint32_t order = 0;  ///< among the attachments of its container
  Steps steps;
  std::vector<PortMapping> ports;  ///< what the container publishes
  firewall::Publishing publishing = firewall::Publishing::open;
  std::optional<IpAddress> address4;  ///< where ports may lead, if this attachment carries them
  std::optional<IpAddress> address6;

  /// The host's end of the veth pair, if the record made one.
  [[nodiscard]] std::optional<OwnedLink> host_link() const;
  /// Whether published ports of `family` lead to this attachment.
  [[nodiscard]] bool carries(Family family) const;
  /// The ports that it carries, or could: for firewall::compile.
  [[nodiscard]] firewall::Publication publication() const;
};

/// All firewall elements that the steps put in, and did not take out again.
std::vector<firewall::Element> elements_of(const Steps& steps);
/// The same of what firewalld has.
std::vector<firewall::Element> firewalld_elements_of(const Steps& steps);

/// A record that a command writes or removes: what there was and what there will be, as text. By
/// `before`, recovery after a crash puts the journal back.
struct RecordChange {
  std::string path;  ///< inside the journal's directory
  std::optional<std::string> before;
  std::optional<std::string> after;
};

/// What a command that was cut short was about to do.
struct PendingRecord {
  enum class Command { setup, teardown };
  Command command = Command::setup;
  std::string netns;
  Steps steps;
  std::vector<RecordChange> changes;
  /// What a set-up that replaces an attachment puts back if it is not carried through.
  Steps put_back;
};

/// What on the host could not be taken back, for later commands to try again.
struct UnfinishedRecord {
  uint32_t attempts = 0;  ///< that failed since it was written
  Steps steps;
};

/// A set-up whose errands are being run, without the journal's lock: its attachments are on record
/// and not finished. If its command has gone, they are to be taken back.
struct ErrandRecord {
  ContainerId container;
  std::string netns;
  std::vector<NetworkName> networks;
  Steps besides;  ///< done for them, which a teardown would leave
};

std::string host_record_path();
std::string network_record_path(const NetworkName& network);
std::string attachment_record_path(const ContainerId& container, const NetworkName& network);
std::string errand_record_path(const ContainerId& container);

std::string encode(const HostRecord& record);
std::string encode(const NetworkRecord& record);
std::string encode(const AttachmentRecord& record);
std::string encode(const PendingRecord& record);
std::string encode(const UnfinishedRecord& record);
std::string encode(const ErrandRecord& record);

/// Errors of all: corrupt.
Result<HostRecord> decode_host_record(std::string_view text);
Result<NetworkRecord> decode_network_record(std::string_view text);
Result<AttachmentRecord> decode_attachment_record(std::string_view text);
Result<PendingRecord> decode_pending_record(std::string_view text);
Result<UnfinishedRecord> decode_unfinished_record(std::string_view text);
Result<ErrandRecord> decode_errand_record(std::string_view text);

}  // namespace burrow::netstack
