#include "dns/zones.h"

#include <algorithm>
#include <numeric>

namespace burrow::dns {
namespace {

void append_new(std::vector<IpAddress>& into, std::span<const IpAddress> values) {
  for (const auto& value : values) {
    if (std::ranges::find(into, value) == into.end()) into.push_back(value);
  }
}

}  // namespace

Zones::Zones(Networks networks, std::vector<IpNetwork> subnets, ZoneSettings settings,
             const Zones* before)
    : networks_(std::move(networks)),
      subnets_(std::move(subnets)),
      settings_(std::move(settings)),
      indices_(networks_.size()) {
  std::iota(indices_.begin(), indices_.end(), 0U);
  for (const auto& network : networks_) {
    const auto addresses = network->listen_addresses();
    listen_addresses_.insert(listen_addresses_.end(), addresses.begin(), addresses.end());
  }
  std::ranges::sort(listen_addresses_);
  if (networks_.size() > 1) find_shared(before);
  find_lists();
}

void Zones::find_lists() {
  for (const uint32_t network : indices_) {
    for (const auto& [line, list] : networks_[network]->egress_lists()) {
      if (list->id.empty()) {
        network_lists_.emplace_back(network, list);
      } else {
        lists_[list->id].push_back(list);
      }
    }
  }
}

// As for views: a container of the asked network, else the one container that can be meant.
const Holder* Zones::find_client(uint32_t network, const IpAddress& source) const {
  if (const auto* container = networks_[network]->find_container(source)) return container;
  if (is_listen_address(source)) return nullptr;
  const Holder* found = nullptr;
  for (const auto& other : networks_) {
    const auto* container = other->find_container(source);
    if (container == nullptr) continue;
    if (found != nullptr && found->id != container->id) return nullptr;
    found = container;
  }
  return found;
}

EgressLists Zones::lists_of(uint32_t network, const IpAddress& source) const {
  EgressLists lists;
  if (!has_lists()) return lists;
  const auto* client = find_client(network, source);
  if (client == nullptr || client->id.empty()) return lists;
  if (const auto own = lists_.find(client->id); own != lists_.end()) lists = own->second;
  for (const auto& [each, list] : network_lists_) {
    if (networks_[each]->has_container(client->id)) lists.push_back(list);
  }
  return lists;
}

// Whether views of the snapshot before still hold, but for containers that changed.
bool Zones::has_same_frame(const Zones& before) const {
  return settings_.forwarding == before.settings_.forwarding &&
         std::ranges::equal(networks_, before.networks_, [](const auto& now, const auto& then) {
           return now == then || (now->name() == then->name() && now->reach() == then->reach() &&
                                  std::ranges::equal(now->dns_servers(), then->dns_servers()));
         });
}

void Zones::find_shared(const Zones* before) {
  if (before != nullptr && has_same_frame(*before)) {
    shared_ = before->shared_;
    for (const uint32_t network : indices_) {
      if (networks_[network] == before->networks_[network]) continue;
      networks_[network]->for_each_container_difference(
          *before->networks_[network], [&](std::string_view id) { update_shared(id); });
    }
    return;
  }
  // A container on several networks is on one besides the largest.
  const auto largest = *std::ranges::max_element(
      indices_, {}, [&](uint32_t network) { return networks_[network]->container_count(); });
  for (const uint32_t network : indices_) {
    if (network == largest) continue;
    networks_[network]->for_each_container([&](std::string_view id) { update_shared(id); });
  }
}

void Zones::update_shared(std::string_view id) {
  // Lines without an id do not belong together.
  if (id.empty()) return;
  std::vector<uint32_t> all;
  for (const uint32_t network : indices_) {
    if (networks_[network]->has_container(id)) all.push_back(network);
  }
  if (all.size() < 2) return shared_.erase(id);
  SharedViews views;
  for (const uint32_t network : all) views.push_back(shared_view(id, network, all));
  shared_.edit(id) = std::move(views);
}

// `first`, then the others, and the upstreams of all (reference, section 4.1).
Zones::SharedView Zones::shared_view(std::string_view id, uint32_t first,
                                     std::span<const uint32_t> all) const {
  SharedView view{.networks = {first}};
  for (const uint32_t network : all) {
    if (network != first) view.networks.push_back(network);
  }
  std::vector<IpAddress> network_servers;
  for (const uint32_t network : view.networks) {
    const auto& zone = *networks_[network];
    if (zone.reach() == Reach::internal) continue;
    view.forwarding = settings_.forwarding;
    append_new(network_servers, zone.dns_servers());
    if (view.servers.empty()) view.servers = zone.container_servers(id);
  }
  if (view.servers.empty()) view.servers = std::move(network_servers);
  return view;
}

std::optional<uint32_t> Zones::find_network(std::string_view name) const {
  for (const uint32_t network : indices_) {
    if (networks_[network]->name() == name) return network;
  }
  return {};
}

View Zones::view(uint32_t network, const IpAddress& source) const {
  if (const auto* container = networks_[network]->find_container(source)) {
    return container_view(network, *container);
  }
  if (is_listen_address(source) || source.is_loopback()) {
    return network_view(network, settings_.forwarding);
  }
  for (const auto& other : networks_) {
    if (other->find_container(source) != nullptr) return foreign_view(source);
  }
  const bool is_internal = networks_[network]->reach() == Reach::internal;
  return network_view(network, is_internal ? Forwarding::never : settings_.forwarding);
}

View Zones::container_view(uint32_t network, const Holder& container) const {
  if (shared_.size() > 0) {
    if (const auto* views = shared_.find(container.id)) {
      const auto found = std::ranges::find_if(
          *views, [&](const SharedView& view) { return view.networks[0] == network; });
      if (found != views->end()) return {found->networks, found->forwarding, found->servers};
    }
  }
  const auto& zone = *networks_[network];
  if (zone.reach() == Reach::internal) return network_view(network, Forwarding::never);
  auto view = network_view(network, settings_.forwarding);
  view.servers =
      container.dns_servers.empty() ? zone.dns_servers() : std::span{container.dns_servers};
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
    const auto* container = networks_[network]->find_container(source);
    if (container == nullptr) continue;
    if (found && container->id != id) return {};
    if (!found) found = container_view(network, *container);
    id = container->id;
  }
  return found.value_or(View{});
}

bool Zones::is_listen_address(const IpAddress& address) const {
  return std::ranges::binary_search(listen_addresses_, address);
}

bool Zones::is_container_subnet(const IpAddress& address, uint8_t prefix_length) const {
  return std::ranges::any_of(subnets_, [&](const IpNetwork& subnet) {
    return prefix_length >= subnet.prefix_length() && subnet.contains(address);
  });
}

}  // namespace burrow::dns
