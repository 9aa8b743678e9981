#include "engine/networks.h"

#include <algorithm>

#include "engine/containers.h"
#include "engine/random.h"
#include "host/clock.h"
#include "host/file.h"
#include "host/random.h"

namespace burrow::engine {
namespace {

Result<void> create_locked(Engine& engine, const NewNetwork& wanted, NetworkName& created) {
  auto networks = TRY(engine.definitions.load());
  auto host = TRY(observe_host());
  const InUse in_use{.networks = std::move(networks), .host = std::move(host)};
  // The planner only needs bits; a kernel without randomness cannot even have booted.
  const Birth birth{.id = TRY(random_id()), .created = host::timestamp(), .random = [] {
                      return host::random_bits().value_or(0);
                    }};
  const auto network = TRY(plan_network(wanted, in_use, birth, default_pools()));
  TRY_VOID(engine.definitions.save(network));
  created = network.name;
  return {};
}

Result<bool> is_defined(const Engine& engine, std::string_view name) {
  const auto networks = TRY(engine.definitions.load());
  return std::ranges::any_of(networks,
                             [&](const auto& network) { return network.name.str() == name; });
}

RemovalFailure kind_of(const Error& error) {
  return error.code == Errc::not_found ? RemovalFailure::not_found : RemovalFailure::other;
}

Result<void> remove_users(Engine& engine, const std::vector<std::string>& users) {
  for (const auto& user : users) {
    auto removed = remove_existing(engine, user, RemoveRunning::yes);
    if (!removed && removed.error().code != Errc::not_found) return removed;
  }
  return {};
}

}  // namespace

Result<NetworkName> create_network(Engine& engine, const NewNetwork& wanted,
                                   WhenPresent when_present) {
  const auto lock = TRY(host::FileLock::acquire(engine.directories.definitions_lock()));
  if (when_present == WhenPresent::keep && wanted.name && TRY(is_defined(engine, *wanted.name))) {
    return NetworkName::parse(*wanted.name);
  }
  auto created = TRY(NetworkName::parse("unnamed"));
  TRY_VOID(create_locked(engine, wanted, created));
  return created;
}

Result<void> ensure_default_network(Engine& engine) {
  auto interface = TRY(LinkName::parse("burrow0"));
  NewNetwork wanted{.name = std::string{kDefaultNetwork}, .interface = std::move(interface)};
  if (TRY(is_defined(engine, kDefaultNetwork))) return {};
  TRY(create_network(engine, wanted, WhenPresent::keep));
  return {};
}

Removal remove_network(Engine& engine, std::string_view text, Force force) {
  const auto attempt = [&]() -> Result<Removal> {
    if (force == Force::yes) {
      const auto network = TRY(engine.definitions.get(text));
      TRY_VOID(remove_users(engine, TRY(engine.store.users_of(network.name))));
    }
    const auto lock = TRY(host::FileLock::acquire(engine.directories.definitions_lock()));
    const auto network = TRY(engine.definitions.get(text));
    const auto users = TRY(engine.store.users_of(network.name));
    if (!users.empty()) {
      return Removal{RemovalFailure::in_use,
                     fmt::format("\"{}\" has associated containers with it ({}). Use -f to "
                                 "forcibly delete containers: network is being used",
                                 network.name, fmt::join(users, ", "))};
    }
    TRY_VOID(engine.definitions.remove(network.name));
    TRY_VOID(engine.store.forget_network(network.name));
    return Removal{};
  };
  auto removal = attempt();
  if (removal) return *std::move(removal);
  return {kind_of(removal.error()), removal.error().message};
}

Result<std::vector<NetworkView>> view_networks(Engine& engine) {
  std::vector<NetworkView> views;
  for (auto& network : TRY(engine.definitions.load())) views.push_back({std::move(network), {}});
  for (const auto& container : TRY(engine.store.containers())) {
    if (container.state != ContainerState::running) continue;
    for (auto& view : views) {
      const bool is_on = std::ranges::any_of(container.attachments, [&](const auto& attachment) {
        return attachment.network == view.network.name;
      });
      if (is_on) view.containers.push_back(container);
    }
  }
  return views;
}

}  // namespace burrow::engine
