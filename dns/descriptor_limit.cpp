#include "dns/descriptor_limit.h"

#include <sys/resource.h>

#include <algorithm>

namespace burrow::dns {
namespace {

// 4,096 questions at up to three servers each, connections, listeners.
constexpr rlim_t kWanted = 16384;

}  // namespace

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= kWanted) return;
  limit.rlim_cur = std::min(limit.rlim_max, kWanted);
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace burrow::dns
