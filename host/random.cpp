#include "host/random.h"

#include <sys/random.h>

#include <cerrno>

namespace burrow::host {

Result<uint64_t> random_bits() {
  uint64_t bits = 0;
  // Up to 256 bytes come whole and uninterrupted once the kernel is seeded (getrandom(2)).
  if (::getrandom(&bits, sizeof bits, 0) != sizeof bits) return system_failure(errno, "getrandom");
  return bits;
}

}  // namespace burrow::host
