#include "dns/zones.h"

#include <algorithm>
#include <numeric>

namespace burrow::dns {
namespace {

std::string_view key_of(const IpAddress& address) {
  const auto bytes = address.bytes();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

template <typename T>
void append_new(std::vector<T>& into, std::span<const T> values) {
  for (const T& value : values) {
    if (std::ranges::find(into, value) == into.end()) into.push_back(value);
  }
}

// Moves the first of each value to the front, in order, and returns how many there are. A group may
// be a whole network under one alias, so this does not compare each with each.
template <typename T>
size_t remove_repeated(std::span<T> values) {
  if (values.size() < 2) return values.size();
  std::vector<uint32_t> order(values.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::stable_sort(order, {}, [&](uint32_t at) -> const T& { return values[at]; });
  std::vector<bool> is_repeated(values.size());
  for (size_t i = 1; i < order.size(); ++i) {
    is_repeated[order[i]] = values[order[i]] == values[order[i - 1]];
  }
  size_t kept = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    if (!is_repeated[i]) values[kept++] = values[i];
  }
  return kept;
}

}  // namespace

template <typename T>
Groups<T>::Groups(uint32_t count, const std::vector<Pair>& pairs)
    : ranges_(count), values_(pairs.size()) {
  for (const Pair& pair : pairs) ++ranges_[pair.group].size;
  uint32_t begin = 0;
  for (Range& range : ranges_) {
    range.begin = begin;
    begin += std::exchange(range.size, 0);
  }
  for (const Pair& pair : pairs) {
    Range& range = ranges_[pair.group];
    values_[range.begin + range.size++] = pair.value;
  }
  // The places of repeated values stay unused at the end of their group.
  for (Range& range : ranges_) {
    const auto values = std::span{values_}.subspan(range.begin, range.size);
    range.size = static_cast<uint32_t>(remove_repeated(values));
  }
}

NetworkZone::NetworkZone(std::span<const NetworkFile* const> files) : name_(files[0]->network) {
  std::vector<Groups<IpAddress>::Pair> addresses_of_names;
  std::vector<Groups<uint32_t>::Pair> names_of_addresses;
  std::vector<Groups<IpAddress>::Pair> servers;
  for (const NetworkFile* file : files) {
    if (file->reach == Reach::internal) reach_ = Reach::internal;
    append_new<IpAddress>(listen_addresses_, file->listen_addresses);
    append_new<IpAddress>(dns_servers_, file->dns_servers);
    for (const ContainerLine& line : file->containers) {
      const auto container = containers_.insert(line.id);
      for (const auto& server : line.dns_servers) servers.push_back({container, server});
      for (const auto& address : line.addresses) {
        const auto index = addresses_.insert(key_of(address));
        container_of_address_.resize(addresses_.size());
        container_of_address_[index] = container;
        for (const auto& name : line.names) {
          const auto name_index = names_.insert(name.labels());
          addresses_of_names.push_back({name_index, address});
          names_of_addresses.push_back({index, name_index});
        }
      }
    }
  }
  if (reach_ == Reach::internal) dns_servers_.clear();
  addresses_of_name_ = {names_.size(), addresses_of_names};
  names_of_address_ = {addresses_.size(), names_of_addresses};
  container_servers_ = {containers_.size(), servers};
}

std::span<const IpAddress> NetworkZone::find_addresses(std::string_view labels) const {
  const auto index = names_.find(labels);
  if (!index) return {};
  return addresses_of_name_[*index];
}

std::span<const uint32_t> NetworkZone::find_names(const IpAddress& address) const {
  const auto index = addresses_.find(key_of(address));
  if (!index) return {};
  return names_of_address_[*index];
}

std::optional<uint32_t> NetworkZone::find_container(const IpAddress& address) const {
  const auto index = addresses_.find(key_of(address));
  if (!index) return {};
  return container_of_address_[*index];
}

Zones::Zones(std::vector<std::shared_ptr<const NetworkZone>> networks,
             std::vector<IpNetwork> subnets, ZoneSettings settings)
    : networks_(std::move(networks)),
      subnets_(std::move(subnets)),
      settings_(std::move(settings)),
      indices_(networks_.size()) {
  std::iota(indices_.begin(), indices_.end(), 0U);
  for (const auto& network : networks_) {
    for (const auto& address : network->listen_addresses()) {
      listen_addresses_.insert(key_of(address));
    }
  }
  if (networks_.size() > 1) add_shared_views();
}

// A container on several networks gets a view for each of them: that network first, then the
// others, and the upstreams of all (reference, section 4.1).
void Zones::add_shared_views() {
  KeyTable ids;
  std::vector<std::vector<uint32_t>> networks_of_id;
  std::vector<uint32_t> first_network;
  for (const uint32_t network : indices_) {
    const auto& zone = *networks_[network];
    for (uint32_t container = 0; container < zone.container_count(); ++container) {
      const auto id = ids.insert(zone.container_id(container));
      if (id == first_network.size()) {
        first_network.push_back(network);
        networks_of_id.emplace_back();
        continue;
      }
      auto& shared = networks_of_id[id];
      if (shared.empty()) shared.push_back(first_network[id]);
      shared.push_back(network);
    }
  }
  shared_view_of_.resize(networks_.size());
  for (uint32_t id = 0; id < networks_of_id.size(); ++id) {
    const auto& shared = networks_of_id[id];
    const auto key = ids.key(id);
    for (const uint32_t network : shared) {
      SharedView view{.networks = {network}};
      append_new<uint32_t>(view.networks, shared);
      std::vector<IpAddress> network_servers;
      for (const uint32_t each : view.networks) {
        const auto& zone = *networks_[each];
        if (zone.reach() == Reach::internal) continue;
        view.forwarding = settings_.forwarding;
        append_new<IpAddress>(network_servers, zone.dns_servers());
        if (const auto own = zone.container_servers(*zone.find_container_id(key));
            view.servers.empty() && !own.empty()) {
          view.servers.assign(own.begin(), own.end());
        }
      }
      if (view.servers.empty()) view.servers = std::move(network_servers);
      shared_views_.push_back(std::move(view));
      auto& table = shared_view_of_[network];
      table.resize(networks_[network]->container_count());
      table[*networks_[network]->find_container_id(key)] =
          static_cast<uint32_t>(shared_views_.size());
    }
  }
}

std::optional<uint32_t> Zones::find_network(std::string_view name) const {
  for (const uint32_t network : indices_) {
    if (networks_[network]->name() == name) return network;
  }
  return {};
}

View Zones::view(uint32_t network, const IpAddress& source) const {
  if (const auto container = networks_[network]->find_container(source)) {
    return container_view(network, *container);
  }
  if (is_listen_address(source) || source.is_loopback()) {
    return network_view(network, settings_.forwarding);
  }
  for (const auto& other : networks_) {
    if (other->find_container(source)) return foreign_view(source);
  }
  const bool is_internal = networks_[network]->reach() == Reach::internal;
  return network_view(network, is_internal ? Forwarding::never : settings_.forwarding);
}

View Zones::container_view(uint32_t network, uint32_t container) const {
  if (network < shared_view_of_.size() && container < shared_view_of_[network].size()) {
    if (const auto index = shared_view_of_[network][container]; index != 0) {
      const SharedView& view = shared_views_[index - 1];
      return {view.networks, view.forwarding, view.servers};
    }
  }
  const auto& zone = *networks_[network];
  if (zone.reach() == Reach::internal) return network_view(network, Forwarding::never);
  auto view = network_view(network, settings_.forwarding);
  const auto own = zone.container_servers(container);
  view.servers = own.empty() ? zone.dns_servers() : own;
  return view;
}

View Zones::network_view(uint32_t network, Forwarding forwarding) const {
  return {std::span{indices_}.subspan(network, 1), forwarding, {}};
}

// Networks that do not know each other may use the same addresses: when two containers could be
// meant, neither's names are shown.
View Zones::foreign_view(const IpAddress& source) const {
  std::optional<View> found;
  std::string_view id;
  for (const uint32_t network : indices_) {
    const auto container = networks_[network]->find_container(source);
    if (!container) continue;
    if (found && networks_[network]->container_id(*container) != id) return {};
    if (!found) found = container_view(network, *container);
    id = networks_[network]->container_id(*container);
  }
  return found.value_or(View{});
}

bool Zones::is_listen_address(const IpAddress& address) const {
  return listen_addresses_.find(key_of(address)).has_value();
}

bool Zones::is_container_subnet(const IpAddress& address, uint8_t prefix_length) const {
  return std::ranges::any_of(subnets_, [&](const IpNetwork& subnet) {
    return prefix_length >= subnet.prefix_length() && subnet.contains(address);
  });
}

}  // namespace burrow::dns
