#include "host/file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

namespace burrow::host {
namespace {

// How often a lock's directory may go in between its making and the lock's.
constexpr int kLockAttempts = 1000;

std::string quoted(std::string_view verb, const fs::path& path) {
  return fmt::format("{} \"{}\"", verb, path.native());
}

Result<void> write_whole(int fd, std::string_view content, const fs::path& path) {
  while (!content.empty()) {
    const auto written = ::write(fd, content.data(), content.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return system_failure(errno, quoted("write", path));
    }
    content.remove_prefix(static_cast<size_t>(written));
  }
  return {};
}

}  // namespace

Result<std::string> read_all(int fd, size_t limit) {
  std::string content;
  size_t used = 0;
  for (;;) {
    if (content.size() < used + 4096) content.resize(used + std::max<size_t>(used, 8192));
    const auto count = ::read(fd, content.data() + used, content.size() - used);
    if (count < 0) {
      if (errno == EINTR) continue;
      return system_failure(errno, "read");
    }
    if (count == 0) break;
    used += static_cast<size_t>(count);
    if (used > limit) return fail(Errc::invalid_input, "more than {} bytes", limit);
  }
  content.resize(used);
  return content;
}

Result<std::string> read_file(const fs::path& path, size_t limit) {
  const Fd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd.is_open()) return system_failure(errno, quoted("open", path));
  auto content = read_all(fd.get(), limit);
  if (!content)
    return with_context(std::move(content).error(), fmt::format("\"{}\"", path.native()));
  return content;
}

Result<std::optional<std::string>> read_file_if_exists(const fs::path& path, size_t limit) {
  auto content = read_file(path, limit);
  if (content) return std::optional{*std::move(content)};
  if (content.error().code == Errc::not_found) return std::nullopt;
  return Failure{std::move(content).error()};
}

Result<void> write_file(const fs::path& path, std::string_view content, const fs::path& scratch) {
  Fd fd{::open(scratch.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
  if (!fd.is_open()) return system_failure(errno, quoted("create", scratch));
  auto written = write_whole(fd.get(), content, scratch);
  if (written && ::rename(scratch.c_str(), path.c_str()) != 0) {
    written = system_failure(errno, quoted("rename to", path));
  }
  if (!written) ::unlink(scratch.c_str());
  return written;
}

Result<void> write_file(const fs::path& path, std::string_view content) {
  return write_file(path, content, fs::path{path}.concat(".new"));
}

Result<void> remove_file(const fs::path& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    return system_failure(errno, quoted("remove", path));
  }
  return {};
}

Result<void> make_directories(const fs::path& path) {
  if (::mkdir(path.c_str(), 0755) == 0) return {};
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return system_failure(error.value(), quoted("create directory", path));
  return {};
}

Result<std::vector<std::string>> list_directory(const fs::path& path) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry{path, error}, end; !error && entry != end;
       entry.increment(error)) {
    names.push_back(entry->path().filename().native());
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    return system_failure(error.value(), quoted("list", path));
  }
  std::ranges::sort(names);
  return names;
}

Result<std::optional<Fd>> FileLock::lock(const fs::path& path, int operation) {
  for (int attempt = 1;; ++attempt) {
    TRY_VOID(make_directories(path.parent_path()));
    Fd fd{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (!fd.is_open()) {
      if (errno == ENOENT && attempt < kLockAttempts) continue;  // the directory went in between
      return system_failure(errno, quoted("open lock", path));
    }
    while (::flock(fd.get(), operation) != 0) {
      if (errno == EWOULDBLOCK) return std::nullopt;
      if (errno != EINTR) return system_failure(errno, quoted("lock", path));
    }
    struct stat held {};
    struct stat named {};
    const bool is_current = ::fstat(fd.get(), &held) == 0 && ::stat(path.c_str(), &named) == 0 &&
                            held.st_ino == named.st_ino && held.st_dev == named.st_dev;
    if (is_current) return fd;
  }
}

Result<FileLock> FileLock::acquire(const fs::path& path) {
  return FileLock{*TRY(lock(path, LOCK_EX)), path};
}

Result<std::optional<FileLock>> FileLock::try_acquire(const fs::path& path) {
  auto fd = TRY(lock(path, LOCK_EX | LOCK_NB));
  if (!fd) return std::nullopt;
  return FileLock{*std::move(fd), path};
}

Result<std::string> FileLock::content() const {
  std::string text(256, '\0');
  const auto count = ::pread(fd_.get(), text.data(), text.size(), 0);
  if (count < 0) return system_failure(errno, quoted("read", path_));
  text.resize(static_cast<size_t>(count));
  return text;
}

Result<void> FileLock::set_content(std::string_view text) const {
  if (::ftruncate(fd_.get(), 0) != 0 || ::pwrite(fd_.get(), text.data(), text.size(), 0) < 0) {
    return system_failure(errno, quoted("write", path_));
  }
  return {};
}

void FileLock::remove_file() const { ::unlink(path_.c_str()); }

}  // namespace burrow::host
