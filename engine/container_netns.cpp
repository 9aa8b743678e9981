#include "engine/container_netns.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
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

}  // namespace

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
