// Which container publishes a port of the host already, by what the store knows. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/container.h"

namespace burrow::engine {

/// A sentence about the first of the wanted ports that one of `containers` publishes, as netstack
/// would say it; nothing where none does: then the port is another program's.
std::optional<std::string> publisher_of(const std::vector<PortRequest>& wanted,
                                        const std::vector<Container>& containers);

}  // namespace burrow::engine
