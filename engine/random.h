// Random identifiers of containers and networks.
#pragma once

#include <string>

#include "core/result.h"

namespace burrow::engine {

/// 64 hexadecimal digits that cannot be mistaken for a number in their short form.
Result<std::string> random_id();

}  // namespace burrow::engine
