#include "engine/container_lock.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <thread>

using namespace burrow;
using namespace burrow::engine;

TEST_CASE("a container is locked for the first time while clean-ups take its directory away") {
  const auto root =
      std::filesystem::temp_directory_path() / fmt::format("burrow-lock-{}", ::getpid());
  const Directories directories{.definitions = root, .run = root, .state = root};
  const auto id = ContainerId::parse("0123456789ab").value();
  std::atomic<bool> is_done = false;
  std::thread clean_up{[&] {
    std::error_code ignored;
    while (!is_done) std::filesystem::remove_all(directories.container(id), ignored);
  }};
  int held = 0;
  for (int round = 0; round < 2000; ++round) {
    if (ContainerLock::create(directories, id, LockKind::supervision)) ++held;
  }
  is_done = true;
  clean_up.join();
  CHECK(held == 2000);
  std::filesystem::remove_all(root);
}
