#include "engine/connections.h"

#include <algorithm>

#include "engine/containers.h"
#include "engine/locked_container.h"
#include "engine/name_files.h"
#include "engine/netstack_client.h"
#include "engine/networks.h"
#include "host/file.h"

namespace burrow::engine {
namespace {

Result<netstack::Network> attach(Engine& engine, const Container& container,
                                 const NetworkChoice& choice) {
  const auto definitions = TRY(host::FileLock::acquire(engine.directories.definitions_lock()));
  auto network = TRY(engine.definitions.get(choice.network));
  auto interface =
      choice.interface ? *choice.interface : TRY(free_interface(container.attachments));
  const Attachment attachment{.network = network.name,
                              .interface = std::move(interface),
                              .requested_addresses = choice.addresses,
                              .requested_mac = choice.mac,
                              .aliases = choice.aliases,
                              .limits = choice.limits};
  TRY_VOID(engine.store.attach(container.id, attachment));
  return network;
}

Result<void> set_up(Engine& engine, const ContainerId& id, const netstack::Network& network) {
  TRY_VOID(engine.store.lease(id, {network}));
  const auto container = TRY(engine.store.find(id));
  if (!container) return fail(Errc::not_found, "no such container: {}", short_id(id));
  const NetstackSubject subject{
      .container = *container, .ports = container->ports, .networks = {network}};
  const auto netns = engine.directories.netns(id);
  const auto statuses = TRY(netstack_setup(engine.directories, netns, subject));
  const auto& [status, json] = statuses.front();
  auto noted = engine.store.set_status(id, network.name, json);
  if (noted) noted = add_to_name_files(engine.directories, *container, status);
  if (!noted) {
    // The error that stopped us is the one to tell; this is its undo.
    (void)netstack_teardown(engine.directories, netns, subject);
  }
  return noted;
}

Result<std::vector<netstack::Status>> statuses_of(const Container& container,
                                                  const NetworkName& except) {
  std::vector<netstack::Status> statuses;
  for (const auto& attachment : container.attachments) {
    if (attachment.network == except || attachment.status.empty()) continue;
    statuses.push_back(TRY(decode_status(attachment.network, attachment.status)));
  }
  return statuses;
}

Result<void> tear_down(Engine& engine, const Container& container, const Attachment& attachment,
                       const netstack::Network& network) {
  TRY_VOID(
      netstack_teardown(engine.directories, engine.directories.netns(container.id),
                        {.container = container, .ports = container.ports, .networks = {network}}));
  if (attachment.status.empty()) return {};
  const auto status = TRY(decode_status(network.name, attachment.status));
  return remove_from_name_files(engine.directories, container, status,
                                TRY(statuses_of(container, network.name)));
}

}  // namespace

Result<void> connect_container(Engine& engine, std::string_view text, const NetworkChoice& choice) {
  if (choice.network == kDefaultNetwork) TRY_VOID(ensure_default_network(engine));
  const auto [lock, container] = TRY(lock_container(engine, text));
  const auto network = TRY(attach(engine, container, choice));
  if (container.state != ContainerState::running) return {};
  auto done = set_up(engine, container.id, network);
  if (!done) {
    auto undone = engine.store.detach(container.id, network.name);
    if (!undone) done.error().message += "; then, while undoing: " + undone.error().message;
  }
  return done;
}

Result<void> disconnect_container(Engine& engine, std::string_view text,
                                  std::string_view network_text) {
  const auto [lock, container] = TRY(lock_container(engine, text));
  const auto network = TRY(engine.definitions.get(network_text));
  const auto attachment =
      std::ranges::find(container.attachments, network.name, &Attachment::network);
  if (attachment == container.attachments.end()) {
    return fail(Errc::not_found, "container {} is not connected to network {}", container.name,
                network.name);
  }
  if (container.state == ContainerState::running) {
    TRY_VOID(tear_down(engine, container, *attachment, network));
  }
  return engine.store.detach(container.id, network.name);
}

}  // namespace burrow::engine
