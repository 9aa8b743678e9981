#include "engine/container_root.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "host/fd.h"
#include "host/file.h"

namespace burrow::engine {
namespace {

namespace fs = std::filesystem;

Result<host::Fd> open_directory(const fs::path& path) {
  host::Fd fd{::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!fd.is_open()) return system_failure(errno, fmt::format("open \"{}\"", path.native()));
  return fd;
}

bool is_inside(const fs::path& inner, const fs::path& outer) {
  std::error_code error;
  const auto relative = fs::relative(inner, outer, error);
  return !error && !relative.empty() && *relative.begin() != "..";
}

// Descriptors stand for the directories: paths with commas or colons would need escaping.
Result<void> mount_overlay(const fs::path& lower, const fs::path& layer, const fs::path& target) {
  TRY_VOID(host::make_directories(layer / "upper"));
  TRY_VOID(host::make_directories(layer / "work"));
  const auto lower_fd = TRY(open_directory(lower));
  const auto upper_fd = TRY(open_directory(layer / "upper"));
  const auto work_fd = TRY(open_directory(layer / "work"));
  const auto options =
      fmt::format("lowerdir=/proc/self/fd/{},upperdir=/proc/self/fd/{},workdir=/proc/self/fd/{}",
                  lower_fd.get(), upper_fd.get(), work_fd.get());
  if (::mount("overlay", target.c_str(), "overlay", 0, options.c_str()) != 0) {
    return system_failure(errno, fmt::format("mount an overlay over \"{}\"", lower.native()));
  }
  return {};
}

Result<void> mount_memory(const fs::path& scratch) {
  TRY_VOID(host::make_directories(scratch));
  if (::mount("tmpfs", scratch.c_str(), "tmpfs", 0, "mode=700") != 0) {
    return system_failure(errno, fmt::format("mount memory at \"{}\"", scratch.native()));
  }
  return {};
}

Result<void> mount_read_only(const fs::path& lower, const fs::path& target) {
  if (::mount(lower.c_str(), target.c_str(), nullptr, MS_BIND, nullptr) != 0 ||
      ::mount(nullptr, target.c_str(), nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr) != 0) {
    return system_failure(errno, fmt::format("mount \"{}\" read-only", lower.native()));
  }
  return {};
}

enum class Runnable { yes, missing, forbidden };

Runnable look_up(int root, const std::string& path) {
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT;
  const host::Fd fd{static_cast<int>(::syscall(SYS_openat2, root, path.c_str(), &how, sizeof how))};
  if (!fd.is_open()) return errno == EACCES ? Runnable::forbidden : Runnable::missing;
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return Runnable::missing;
  const bool is_program = S_ISREG(status.st_mode) && (status.st_mode & 0111U) != 0;
  return is_program ? Runnable::yes : Runnable::forbidden;
}

}  // namespace

Result<RootAccess> mount_root(const RootPaths& paths) {
  TRY_VOID(host::make_directories(paths.target));
  // The kernel refuses an upper layer inside its lower one (overlayfs.rst, "Overlapping").
  if (!is_inside(paths.layer, paths.lower)) {
    if (mount_overlay(paths.lower, paths.layer, paths.target)) return RootAccess::writable;
  }
  TRY_VOID(mount_memory(paths.scratch));
  if (mount_overlay(paths.lower, paths.scratch, paths.target)) return RootAccess::writable;
  TRY_VOID(mount_read_only(paths.lower, paths.target));
  return RootAccess::read_only;
}

Result<void> check_command(const fs::path& root, const std::string& command,
                           const std::string& path) {
  const auto root_fd = TRY(open_directory(root));
  std::vector<std::string> candidates;
  if (command.find('/') != std::string::npos) {
    candidates.push_back(command);
  } else {
    std::string_view rest = path;
    while (!rest.empty()) {
      const auto end = std::min(rest.find(':'), rest.size());
      candidates.push_back(fmt::format("{}/{}", rest.substr(0, end), command));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  auto best = Runnable::missing;
  for (const auto& candidate : candidates) {
    const auto found = look_up(root_fd.get(), candidate);
    if (found == Runnable::yes) return {};
    if (found == Runnable::forbidden) best = found;
  }
  if (best == Runnable::forbidden) {
    return fail(Errc::permission, "cannot run \"{}\": permission denied, or not a program",
                command);
  }
  return fail(Errc::not_found, "executable file \"{}\" not found in the container{}", command,
              command.find('/') == std::string::npos ? "'s PATH" : "");
}

}  // namespace burrow::engine
