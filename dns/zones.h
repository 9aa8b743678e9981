// What is known, as immutable values: one NetworkZone per network, and Zones, the snapshot over all
// of them that says who sees which. Pure; swapped whole on a reload. Replies: answer.h.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/ip.h"
#include "dns/key_table.h"
#include "dns/network_file.h"

namespace burrow::dns {

/// Values in groups: group `n` lies between two offsets.
template <typename T>
class Groups {
 public:
  struct Pair {
    uint32_t group;
    T value;
  };

  Groups() = default;
  /// Keeps the order of `pairs` within a group; a value that a group has already is left out.
  Groups(uint32_t count, const std::vector<Pair>& pairs);
  [[nodiscard]] std::span<const T> operator[](uint32_t group) const {
    return std::span{values_}.subspan(ranges_[group].begin, ranges_[group].size);
  }

 private:
  struct Range {
    uint32_t begin = 0;
    uint32_t size = 0;
  };
  std::vector<Range> ranges_;
  std::vector<T> values_;
};

/// The names and addresses of one network, made for looking up.
class NetworkZone {
 public:
  /// `files` of one and the same network ("net" and "net%int"), at least one. Internal when one of
  /// them says so; then the network has no upstreams of its own.
  explicit NetworkZone(std::span<const NetworkFile* const> files);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] Reach reach() const { return reach_; }
  [[nodiscard]] std::span<const IpAddress> listen_addresses() const { return listen_addresses_; }
  [[nodiscard]] std::span<const IpAddress> dns_servers() const { return dns_servers_; }

  /// The addresses of a name, IPv4 before IPv6 per container; empty when there is no such name.
  [[nodiscard]] std::span<const IpAddress> find_addresses(std::string_view labels) const;
  /// The names of an address as indices for `name_at`, in order; empty when it is no container's.
  [[nodiscard]] std::span<const uint32_t> find_names(const IpAddress& address) const;
  [[nodiscard]] std::string_view name_at(uint32_t index) const { return names_.key(index); }

  /// The container that has `address`. When a stale line has it too, the later line wins, so that
  /// a container is never taken for one that is gone.
  [[nodiscard]] std::optional<uint32_t> find_container(const IpAddress& address) const;
  [[nodiscard]] uint32_t container_count() const { return containers_.size(); }
  [[nodiscard]] std::string_view container_id(uint32_t container) const {
    return containers_.key(container);
  }
  [[nodiscard]] std::optional<uint32_t> find_container_id(std::string_view id) const {
    return containers_.find(id);
  }
  [[nodiscard]] std::span<const IpAddress> container_servers(uint32_t container) const {
    return container_servers_[container];
  }
  [[nodiscard]] uint32_t name_count() const { return names_.size(); }

 private:
  std::string name_;
  Reach reach_ = Reach::external;
  std::vector<IpAddress> listen_addresses_;
  std::vector<IpAddress> dns_servers_;
  KeyTable names_;  // labels; only names with an address
  Groups<IpAddress> addresses_of_name_;
  KeyTable addresses_;  // bytes
  Groups<uint32_t> names_of_address_;
  std::vector<uint32_t> container_of_address_;
  KeyTable containers_;  // ids
  Groups<IpAddress> container_servers_;
};

enum class Forwarding : uint8_t { allowed, never };
/// Whether the addresses of a name change places from query to query.
enum class Rotation : uint8_t { rotate, fixed };

/// What holds for all networks.
struct ZoneSettings {
  DomainName search_domain;  ///< names answer below it too; the root: nothing is ever forwarded
  Forwarding forwarding = Forwarding::allowed;
  Rotation rotation = Rotation::rotate;
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
  /// `subnets`: the prefixes of the container networks, for reverse names that must not leave.
  Zones(std::vector<std::shared_ptr<const NetworkZone>> networks, std::vector<IpNetwork> subnets,
        ZoneSettings settings);

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

  [[nodiscard]] bool is_listen_address(const IpAddress& address) const;
  /// True when every address below the prefix lies in one of the container subnets.
  [[nodiscard]] bool is_container_subnet(const IpAddress& address, uint8_t prefix_length) const;

 private:
  struct SharedView {
    std::vector<uint32_t> networks;
    Forwarding forwarding = Forwarding::never;
    std::vector<IpAddress> servers;
  };
  void add_shared_views();
  [[nodiscard]] View container_view(uint32_t network, uint32_t container) const;
  [[nodiscard]] View network_view(uint32_t network, Forwarding forwarding) const;
  [[nodiscard]] View foreign_view(const IpAddress& source) const;

  std::vector<std::shared_ptr<const NetworkZone>> networks_;
  std::vector<IpNetwork> subnets_;
  ZoneSettings settings_;
  std::vector<uint32_t> indices_;  // 0, 1, 2, ...: the view of one network is one of them
  KeyTable listen_addresses_;
  // Of containers on several networks, by network and container; index + 1 into shared_views_.
  std::vector<std::vector<uint32_t>> shared_view_of_;
  std::vector<SharedView> shared_views_;
};

}  // namespace burrow::dns
