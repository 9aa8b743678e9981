#include "engine/random.h"

#include <algorithm>

#include "host/random.h"

namespace burrow::engine {

Result<std::string> random_id() {
  constexpr size_t kShort = 12;
  for (;;) {
    std::string id;
    for (int part = 0; part < 4; ++part) id += fmt::format("{:016x}", TRY(host::random_bits()));
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    if (!std::all_of(id.begin(), id.begin() + kShort, is_digit)) return id;
  }
}

}  // namespace burrow::engine
