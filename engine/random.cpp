#include "engine/random.h"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>

namespace burrow::engine {

Result<uint64_t> random_bits() {
  uint64_t bits = 0;
  // Up to 256 bytes come whole and uninterrupted once the kernel is seeded (getrandom(2)).
  if (::getrandom(&bits, sizeof bits, 0) != sizeof bits) return system_failure(errno, "getrandom");
  return bits;
}

Result<std::string> random_id() {
  constexpr size_t kShort = 12;
  for (;;) {
    std::string id;
    for (int part = 0; part < 4; ++part) id += fmt::format("{:016x}", TRY(random_bits()));
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    if (!std::all_of(id.begin(), id.begin() + kShort, is_digit)) return id;
  }
}

}  // namespace burrow::engine
