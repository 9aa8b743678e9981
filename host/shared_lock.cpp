#include "host/shared_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>

namespace burrow::host {

Result<std::optional<SharedLock>> SharedLock::acquire(const std::filesystem::path& path) {
  const auto failure = [&](std::string_view what) {
    return system_failure(errno, fmt::format("{} \"{}\"", what, path.native()));
  };
  for (;;) {
    Fd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
    if (!fd.is_open()) {
      if (errno == ENOENT) return std::optional<SharedLock>{};
      return failure("open lock");
    }
    while (::flock(fd.get(), LOCK_SH) != 0) {
      if (errno != EINTR) return failure("lock");
    }
    // The writer that was waited for may have removed the file.
    struct stat held {};
    struct stat named {};
    const bool is_current = ::fstat(fd.get(), &held) == 0 && ::stat(path.c_str(), &named) == 0 &&
                            held.st_ino == named.st_ino && held.st_dev == named.st_dev;
    if (is_current) return std::optional{SharedLock{std::move(fd)}};
  }
}

Result<bool> is_locked(const std::filesystem::path& path) {
  const Fd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
  if (!fd.is_open()) {
    if (errno == ENOENT) return false;
    return system_failure(errno, fmt::format("open lock \"{}\"", path.native()));
  }
  while (::flock(fd.get(), LOCK_SH | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return true;
    if (errno != EINTR) return system_failure(errno, fmt::format("lock \"{}\"", path.native()));
  }
  return false;
}

Result<std::string> SharedLock::content() const {
  std::string text(256, '\0');
  const auto count = ::pread(fd_.get(), text.data(), text.size(), 0);
  if (count < 0) return system_failure(errno, "read lock");
  text.resize(static_cast<size_t>(count));
  return text;
}

}  // namespace burrow::host
