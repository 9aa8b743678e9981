// Randomness of the kernel.
#pragma once

#include <cstdint>
#include <string>

#include "core/result.h"

namespace burrow::engine {

/// 64 random bits. Errors: system.
Result<uint64_t> random_bits();

/// 64 hexadecimal digits that cannot be mistaken for a number in their short form.
Result<std::string> random_id();

}  // namespace burrow::engine
