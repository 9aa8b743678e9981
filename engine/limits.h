// Limits of containers and networks as the user changes them: on what runs, and for what starts
// later. What the words mean is netstack's matter (netstack/limit_words.h).
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "engine/engine.h"

namespace burrow::engine {

/// Changes by the option of the limit; an empty word takes one away, what is not named stays.
using LimitChanges = std::map<std::string, std::string>;

/// Checks the words. Errors: invalid_input with option and word.
Result<void> check_limits(const LimitChanges& changes);

/// Changes the limits that a container has on a network: at once where it runs, and for every start
/// to come. Errors: not_found, also when it is not connected; invalid_input; netstack's own.
Result<void> limit_container(Engine& engine, std::string_view container, std::string_view network,
                             const LimitChanges& changes);

/// Changes the limits of a network: in its definition, and at once for containers that run on it.
/// Errors: not_found; invalid_input; netstack's own, which changes no rates of containers that run.
Result<void> limit_network(Engine& engine, std::string_view network, const LimitChanges& changes);

}  // namespace burrow::engine
