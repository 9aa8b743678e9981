#include "engine/container_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>

#include "host/file.h"

namespace burrow::engine {
namespace {

// Other commands clean up once each.
constexpr int kMostAttempts = 1000;

fs::path lock_path(const Directories& directories, const ContainerId& id, LockKind kind) {
  return directories.container(id) / (kind == LockKind::operation ? "lock" : "supervisor.lock");
}

Result<host::Fd> open_lock(const Directories& directories, const ContainerId& id, LockKind kind) {
  const auto path = lock_path(directories, id, kind);
  host::Fd fd{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  if (!fd.is_open()) return system_failure(errno, fmt::format("open \"{}\"", path.native()));
  return fd;
}

}  // namespace

Result<ContainerLock> ContainerLock::acquire(const Directories& directories, const ContainerId& id,
                                             LockKind kind) {
  auto fd = TRY(open_lock(directories, id, kind));
  while (::flock(fd.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return system_failure(errno, "lock container " + id.str());
  }
  return ContainerLock{std::move(fd)};
}

Result<std::optional<ContainerLock>> ContainerLock::try_acquire(const Directories& directories,
                                                                const ContainerId& id,
                                                                LockKind kind) {
  TRY_VOID(host::make_directories(directories.container(id)));
  auto fd = TRY(open_lock(directories, id, kind));
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return std::nullopt;
    return system_failure(errno, "lock container " + id.str());
  }
  return ContainerLock{std::move(fd)};
}

Result<ContainerLock> ContainerLock::create(const Directories& directories, const ContainerId& id,
                                            LockKind kind) {
  for (int attempt = 0; attempt < kMostAttempts; ++attempt) {
    TRY_VOID(host::make_directories(directories.container(id)));
    auto lock = acquire(directories, id, kind);
    if (!lock && lock.error().code == Errc::not_found) continue;
    if (!lock) return lock;
    struct stat held {};
    struct stat there {};
    const auto path = lock_path(directories, id, kind);
    if (::fstat(lock->fd_.get(), &held) == 0 && ::stat(path.c_str(), &there) == 0 &&
        held.st_ino == there.st_ino) {
      return lock;
    }
  }
  return fail(Errc::changed, "the directory of container {} is removed again and again", id);
}

}  // namespace burrow::engine
