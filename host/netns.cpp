#include "host/netns.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <thread>

namespace burrow::host {

Result<NetNs> NetNs::open(const std::filesystem::path& path) {
  Fd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd.is_open()) {
    return system_failure(errno, fmt::format("invalid namespace path \"{}\"", path.native()));
  }
  const int type = ::ioctl(fd.get(), NS_GET_NSTYPE);
  if (type != CLONE_NEWNET) {
    return fail(Errc::invalid_input, "invalid namespace path \"{}\": not a network namespace",
                path.native());
  }
  return NetNs{std::move(fd)};
}

Result<void> NetNs::run_on_thread(const std::function<void()>& work) const {
  int failed = 0;
  std::thread thread{[&] {
    if (::setns(fd_.get(), CLONE_NEWNET) != 0) {
      failed = errno;
      return;
    }
    work();
  }};
  thread.join();
  if (failed != 0) return system_failure(failed, "enter network namespace");
  return {};
}

}  // namespace burrow::host
