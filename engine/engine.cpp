#include "engine/engine.h"

#include <chrono>

#include "core/log.h"
#include "engine/container_netns.h"
#include "engine/host_view.h"
#include "engine/lifecycle.h"
#include "host/file.h"

namespace burrow::engine {
namespace {

// What an earlier boot left in the run directory, where that is no memory file system.
Result<void> sweep_run_directory(const Directories& directories) {
  for (const auto& name : TRY(host::list_directory(directories.netns()))) {
    TRY_VOID(remove_netns(directories.netns() / name));
  }
  std::error_code error;
  for (const auto& path :
       {directories.containers(), directories.runtime(), directories.netstack()}) {
    fs::remove_all(path, error);
    if (error) {
      return system_failure(error.value(), fmt::format("remove \"{}\"", path.native()));
    }
  }
  return {};
}

// What containers wrote that did not outlive the boot.
Result<void> sweep_state_directory(const Directories& directories, Store& store) {
  for (const auto& name : TRY(host::list_directory(directories.state / "containers"))) {
    const auto id = ContainerId::parse(name);
    if (!id || TRY(store.find(*id))) continue;
    std::error_code error;
    fs::remove_all(directories.container_state(*id), error);
    if (error) return system_failure(error.value(), "remove what a container wrote");
  }
  return {};
}

}  // namespace

Timestamp now() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

Result<Engine> Engine::open_as_supervisor(const Directories& directories) {
  TRY_VOID(host::make_directories(directories.run));
  const auto boot_id = TRY(read_boot_id());
  auto store = TRY(Store::open(directories, boot_id));
  if (store.rebooted()) {
    TRY_VOID(sweep_run_directory(directories));
    TRY_VOID(sweep_state_directory(directories, store));
  }
  return Engine{.directories = directories,
                .definitions = Definitions{directories.definitions},
                .store = std::move(store)};
}

Result<Engine> Engine::open(const Directories& directories) {
  auto engine = TRY(open_as_supervisor(directories));
  for (const auto& error : clean_up_after_crashes(engine)) {
    log::warn("burrow::engine", "clean up: {}", error);
  }
  return engine;
}

}  // namespace burrow::engine
