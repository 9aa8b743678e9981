#include "host/private_netns.h"

#include <sched.h>

#include <cerrno>
#include <thread>

namespace burrow::host {

Result<NetNs> make_private_netns() {
  // By a thread of its own, since nobody switches back.
  std::optional<Result<NetNs>> made;
  std::thread{[&] {
    if (::unshare(CLONE_NEWNET) == 0) {
      made.emplace(NetNs::open("/proc/thread-self/ns/net"));
    } else {
      made.emplace(system_failure(errno, "make a network namespace"));
    }
  }}.join();
  return *std::move(made);
}

}  // namespace burrow::host
