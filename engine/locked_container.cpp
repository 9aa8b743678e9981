#include "engine/locked_container.h"

#include "host/file.h"

namespace burrow::engine {

Result<LockedContainer> lock_container(Engine& engine, std::string_view text) {
  const auto id = TRY(engine.store.get(text)).id;
  TRY_VOID(host::make_directories(engine.directories.container(id)));
  auto lock = TRY(ContainerLock::acquire(engine.directories, id, LockKind::operation));
  auto container = TRY(engine.store.find(id));
  if (!container) {
    std::error_code ignored;
    fs::remove_all(engine.directories.container(id), ignored);
    return fail(Errc::not_found, "no container with name or ID \"{}\" found: no such container",
                text);
  }
  return LockedContainer{std::move(lock), *std::move(container)};
}

}  // namespace burrow::engine
