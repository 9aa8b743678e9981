// What is known of one network, made for looking up: an immutable value, of which an edited copy
// costs what was edited. Pure. Who sees it: zones.h.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/ip.h"
#include "dns/network_file.h"
#include "dns/shared_table.h"

namespace burrow::dns {

/// An address of a name.
struct NamedAddress {
  uint64_t line = 0;            ///< number of the line that says so
  std::optional<uint32_t> ttl;  ///< of a custom record; nothing: the network's
  IpAddress address;
  bool is_repeated = false;  ///< an earlier line says the same
};

/// A record of a name of another type than A and AAAA.
struct NamedRecord {
  uint64_t line = 0;
  Record record;
};

/// What a name stands for; never nothing at all.
struct Name {
  std::vector<NamedAddress> addresses;  ///< in order of lines, IPv4 before IPv6 per container
  std::vector<NamedRecord> records;     ///< in order of lines
  std::optional<uint32_t> ttl;          ///< of its addresses when one is a custom record

  [[nodiscard]] const Record* find_alias() const;
};

/// A container that has an address.
struct Holder {
  uint64_t line = 0;
  std::string id;
  std::vector<DomainName> names;
  std::vector<IpAddress> dns_servers;
};

class NetworkZone {
 public:
  /// `files` of one and the same network ("net" and "net%int"), at least one. Internal when one of
  /// them says so; then the network has no upstreams of its own.
  explicit NetworkZone(std::span<const NetworkFile* const> files);
  /// `before`, which was made of one file, without the lines `gone` and with the lines `come`.
  NetworkZone(const NetworkZone& before, std::span<const NetworkLine> gone,
              std::span<const NetworkLine> come);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] Reach reach() const { return reach_; }
  [[nodiscard]] std::span<const IpAddress> listen_addresses() const {
    return header_.listen_addresses;
  }
  [[nodiscard]] std::span<const IpAddress> dns_servers() const { return header_.dns_servers; }
  [[nodiscard]] const NetworkSettings& settings() const { return settings_; }
  /// The lists of its containers and of itself, with the numbers of their lines.
  [[nodiscard]] std::span<const std::pair<uint64_t, std::shared_ptr<const EgressList>>>
  egress_lists() const {
    return egress_lists_;
  }
  /// The names answer below it as well: the domain of the settings, else the network's name. Empty
  /// when that can be no domain.
  [[nodiscard]] std::string_view domain() const { return domain_.labels(); }

  /// Null when there is no such name; wildcards are names with a first label "*".
  [[nodiscard]] const Name* find_name(std::string_view labels) const { return names_.find(labels); }
  /// The wildcard that stands for a name that does not exist (RFC 4592): the one below its closest
  /// ancestor.
  [[nodiscard]] const Name* find_wildcard(std::string_view labels) const;
  [[nodiscard]] bool has_wildcards() const { return !wildcards_.empty(); }
  [[nodiscard]] size_t name_count() const { return names_.size(); }
  /// Calls `visit(labels, name)` for each name, in no order.
  template <typename Visit>
  void for_each_name(Visit visit) const {
    names_.for_each(visit);
  }

  /// Who has `address`, in order of lines; empty when no container has it.
  [[nodiscard]] std::span<const Holder> find_holders(const IpAddress& address) const;
  /// The container that has `address`. When a stale line has it too, the later line wins, so that
  /// a container is never taken for one that is gone.
  [[nodiscard]] const Holder* find_container(const IpAddress& address) const;

  [[nodiscard]] size_t container_count() const { return containers_.size(); }
  [[nodiscard]] bool has_container(std::string_view id) const {
    return containers_.find(id) != nullptr;
  }
  /// The upstreams of a container on this network, in order.
  [[nodiscard]] std::vector<IpAddress> container_servers(std::string_view id) const;
  template <typename Visit>
  void for_each_container(Visit visit) const {
    containers_.for_each([&](std::string_view id, const auto&) { visit(id); });
  }
  /// Calls `visit(id)` for every container that is not the same in `other`, and some others.
  template <typename Visit>
  void for_each_container_difference(const NetworkZone& other, Visit visit) const {
    containers_.for_each_difference(other.containers_, visit);
  }

 private:
  friend class ZoneEditor;
  struct ServersLine {
    uint64_t line = 0;
    std::vector<IpAddress> servers;
  };

  std::string name_;
  Reach reach_ = Reach::external;
  NetworkHeader header_;
  std::vector<std::pair<uint64_t, NetworkSettings>> settings_lines_;
  NetworkSettings settings_;
  std::vector<std::pair<uint64_t, std::shared_ptr<const EgressList>>> egress_lists_;
  DomainName domain_;
  std::set<std::string> wildcards_;                   // labels of the names among them
  SharedTable<Name> names_;                           // by labels
  SharedTable<std::vector<Holder>> holders_;          // by bytes of the address
  SharedTable<std::vector<ServersLine>> containers_;  // by id
};

/// The bytes of `address` as a key.
inline std::string_view key_of(const IpAddress& address) {
  const auto bytes = address.bytes();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace burrow::dns
