// The snapshot of all networks that says who sees which: immutable, swapped whole on a reload; one
// that follows another costs what changed. Pure. One network: network_zone.h. Replies: answer.h.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/ip.h"
#include "dns/network_zone.h"
#include "dns/shared_table.h"

namespace burrow::dns {

enum class Forwarding : uint8_t { allowed, never };

/// What holds for all networks.
struct ZoneSettings {
  DomainName search_domain;  ///< names answer below it too; the root: nothing is ever forwarded
  Forwarding forwarding = Forwarding::allowed;
  Rotation rotation = Rotation::rotate;  ///< a network may have it fixed for itself
};

/// What one client may see, and where its other questions go. Refers to its Zones.
struct View {
  std::span<const uint32_t> networks;  ///< indices; the one that was asked first, if it is there
  Forwarding forwarding = Forwarding::never;
  std::span<const IpAddress> servers;  ///< upstreams of the client; empty: the host's
};

/// The snapshot.
class Zones {
 public:
  using Networks = std::vector<std::shared_ptr<const NetworkZone>>;

  /// `networks` in order of their names. `subnets`: the prefixes of the container networks, for
  /// reverse names that must not leave. `before`, if there is one, saves work; it may go.
  Zones(Networks networks, std::vector<IpNetwork> subnets, ZoneSettings settings,
        const Zones* before = nullptr);

  [[nodiscard]] const ZoneSettings& settings() const { return settings_; }
  [[nodiscard]] std::span<const std::shared_ptr<const NetworkZone>> networks() const {
    return networks_;
  }
  [[nodiscard]] std::optional<uint32_t> find_network(std::string_view name) const;

  /// What `source` sees when it asks on the listener of `network`:
  /// a container of that network: all its networks, the asked one first;
  /// the host: the asked network;
  /// a container of another network: its own networks, never the asked one;
  /// anyone else: the asked network, and nothing is forwarded when that is internal.
  [[nodiscard]] View view(uint32_t network, const IpAddress& source) const;

  /// Whether anybody has lists of names.
  [[nodiscard]] bool has_lists() const { return !lists_.empty() || !network_lists_.empty(); }
  /// The lists that an answer to `source`, asking on the listener of `network`, concerns: of the
  /// container that it is, on all its networks, and of these. None of the host, and of an address
  /// that two containers of other networks have.
  [[nodiscard]] EgressLists lists_of(uint32_t network, const IpAddress& source) const;
  /// Calls `visit(list)` for each list, shared.
  template <typename Visit>
  void for_each_list(Visit visit) const {
    for (const auto& network : networks_) {
      for (const auto& [line, list] : network->egress_lists()) visit(list);
    }
  }

  [[nodiscard]] bool is_listen_address(const IpAddress& address) const;
  /// True when every address below the prefix lies in one of the container subnets.
  [[nodiscard]] bool is_container_subnet(const IpAddress& address, uint8_t prefix_length) const;

 private:
  // A container that is on several networks, as it looks from the first of them.
  struct SharedView {
    std::vector<uint32_t> networks;
    Forwarding forwarding = Forwarding::never;
    std::vector<IpAddress> servers;
  };
  // From each of its networks.
  using SharedViews = std::vector<SharedView>;

  void find_lists();
  [[nodiscard]] const Holder* find_client(uint32_t network, const IpAddress& source) const;
  void find_shared(const Zones* before);
  void update_shared(std::string_view id);
  [[nodiscard]] SharedView shared_view(std::string_view id, uint32_t first,
                                       std::span<const uint32_t> all) const;
  [[nodiscard]] bool has_same_frame(const Zones& before) const;
  [[nodiscard]] View container_view(uint32_t network, const Holder& container) const;
  [[nodiscard]] View network_view(uint32_t network, Forwarding forwarding) const;
  [[nodiscard]] View foreign_view(const IpAddress& source) const;

  Networks networks_;
  std::vector<IpNetwork> subnets_;
  ZoneSettings settings_;
  std::vector<uint32_t> indices_;            // 0, 1, 2, ...: the view of one network is one of them
  std::vector<IpAddress> listen_addresses_;  // sorted
  std::unordered_map<std::string, EgressLists> lists_;  // of containers, by id
  // Of networks themselves; most networks have none, and each answer walks these.
  std::vector<std::pair<uint32_t, std::shared_ptr<const EgressList>>> network_lists_;
  SharedTable<SharedViews> shared_;  // by id; only containers on several networks
};

}  // namespace burrow::dns
