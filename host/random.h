// Randomness of the kernel.
#pragma once

#include <cstdint>

#include "core/result.h"

namespace burrow::host {

/// 64 random bits. Errors: system.
Result<uint64_t> random_bits();

}  // namespace burrow::host
