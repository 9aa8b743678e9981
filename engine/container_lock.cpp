#include "engine/container_lock.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>

#include "host/file.h"

namespace burrow::engine {
namespace {

Result<host::Fd> open_lock(const Directories& directories, const ContainerId& id, LockKind kind) {
  const auto path =
      directories.container(id) / (kind == LockKind::operation ? "lock" : "supervisor.lock");
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

}  // namespace burrow::engine
