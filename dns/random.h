// Numbers that nobody can guess, for message ids and the like: the kernel's, fetched in bulk.
#pragma once

#include <sys/random.h>

#include <array>
#include <cstdint>
#include <cstring>

namespace burrow::dns {

class RandomNumbers {
 public:
  /// Uniform over all values of `Number`.
  template <typename Number>
  Number next() {
    static_assert(sizeof(Number) <= kAtOnce);
    if (used_ + sizeof(Number) > bytes_.size()) {
      // Never short for so few bytes once the pool is ready.
      [[maybe_unused]] const auto count = ::getrandom(bytes_.data(), bytes_.size(), 0);
      used_ = 0;
    }
    Number number{};
    std::memcpy(&number, &bytes_[used_], sizeof number);
    used_ += sizeof number;
    return number;
  }

 private:
  static constexpr size_t kAtOnce = 256;  // more may be interrupted (getrandom(2))
  std::array<uint8_t, kAtOnce> bytes_{};
  size_t used_ = kAtOnce;
};

}  // namespace burrow::dns
