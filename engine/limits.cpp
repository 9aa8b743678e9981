#include "engine/limits.h"

#include <algorithm>

#include "engine/locked_container.h"
#include "engine/netstack_client.h"
#include "host/file.h"
#include "netstack/limit_words.h"

namespace burrow::engine {
namespace {

void apply(const LimitChanges& changes, std::map<std::string, std::string>& options) {
  for (const auto& [key, word] : changes) {
    if (word.empty()) {
      options.erase(key);
    } else {
      options[key] = word;
    }
  }
}

}  // namespace

Result<void> check_limits(const LimitChanges& changes) {
  for (const auto& [key, word] : changes) {
    if (!word.empty()) TRY_VOID(netstack::check_limit(key, word));
  }
  return {};
}

Result<void> limit_container(Engine& engine, std::string_view text, std::string_view network_text,
                             const LimitChanges& changes) {
  TRY_VOID(check_limits(changes));
  const auto [lock, container] = TRY(lock_container(engine, text));
  const auto network = TRY(engine.definitions.get(network_text)).name;
  const auto found = std::ranges::find(container.attachments, network, &Attachment::network);
  if (found == container.attachments.end()) {
    return fail(Errc::not_found, "container {} is not connected to network {}", container.name,
                network);
  }
  if (container.state == ContainerState::running) {
    TRY_VOID(netstack_limit(engine.directories, network, container.id, changes));
  }
  auto attachment = *found;
  apply(changes, attachment.limits);
  return engine.store.set_request(container.id, attachment);
}

Result<void> limit_network(Engine& engine, std::string_view text, const LimitChanges& changes) {
  TRY_VOID(check_limits(changes));
  const auto lock = TRY(host::FileLock::acquire(engine.directories.definitions_lock()));
  auto network = TRY(engine.definitions.get(text));
  const auto containers = TRY(engine.store.containers());
  const bool is_in_use = std::ranges::any_of(containers, [&](const Container& container) {
    return container.state == ContainerState::running &&
           std::ranges::find(container.attachments, network.name, &Attachment::network) !=
               container.attachments.end();
  });
  if (is_in_use) {
    TRY_VOID(netstack_limit(engine.directories, network.name, std::nullopt, changes));
  }
  apply(changes, network.options);
  return engine.definitions.save(network);
}

}  // namespace burrow::engine
