#include "engine/container_netns.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <optional>
#include <thread>

#include "host/fd.h"
#include "host/file.h"

namespace burrow::engine {
namespace {

Result<void> set_loopback_up() {
  const host::Fd fd{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  if (!fd.is_open()) return system_failure(errno, "open a socket in the new network namespace");
  ifreq request{};
  std::strncpy(request.ifr_name, "lo", sizeof request.ifr_name - 1);
  if (::ioctl(fd.get(), SIOCGIFFLAGS, &request) != 0) return system_failure(errno, "find loopback");
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
  if (::ioctl(fd.get(), SIOCSIFFLAGS, &request) != 0)
    return system_failure(errno, "set loopback up");
  return {};
}

Result<void> be_born_at(const std::filesystem::path& path) {
  if (::unshare(CLONE_NEWNET) != 0) return system_failure(errno, "make a network namespace");
  TRY_VOID(set_loopback_up());
  if (::mount("/proc/thread-self/ns/net", path.c_str(), nullptr, MS_BIND, nullptr) != 0) {
    return system_failure(errno, fmt::format("mount a network namespace at \"{}\"", path.native()));
  }
  return {};
}

// Which namespace a path leads to; nothing where there is none.
std::optional<std::pair<dev_t, ino_t>> namespace_at(const std::filesystem::path& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return std::nullopt;
  return std::pair{found.st_dev, found.st_ino};
}

}  // namespace

Result<void> end_processes_in_netns(const std::filesystem::path& path) {
  const auto wanted = namespace_at(path);
  if (!wanted || wanted == namespace_at("/proc/self/ns/net")) return {};
  for (const auto& name : TRY(host::list_directory("/proc"))) {
    int pid = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error != std::errc{} || end != name.data() + name.size()) continue;
    // The descriptor is opened first: what it names cannot become another process meanwhile.
    const host::Fd process{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
    if (!process.is_open() || namespace_at(fmt::format("/proc/{}/ns/net", pid)) != wanted) continue;
    ::syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0);
  }
  return {};
}

Result<void> create_netns(const std::filesystem::path& path) {
  TRY_VOID(host::make_directories(path.parent_path()));
  const host::Fd file{::open(path.c_str(), O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444)};
  if (!file.is_open()) return system_failure(errno, fmt::format("create \"{}\"", path.native()));
  Result<void> born;
  std::thread{[&] { born = be_born_at(path); }}.join();
  if (!born) (void)host::remove_file(path);
  return born;
}

Result<void> remove_netns(const std::filesystem::path& path) {
  // EINVAL: the file is there, but nothing is mounted on it.
  if (::umount2(path.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) != 0 && errno != EINVAL &&
      errno != ENOENT) {
    return system_failure(errno, fmt::format("unmount \"{}\"", path.native()));
  }
  return host::remove_file(path);
}

}  // namespace burrow::engine
