// Steps as JSON: for journal records and for `plan --format json`. Pure.
#pragma once

#include "core/json.h"
#include "netstack/step.h"

namespace burrow::netstack {

/// {"step": "create_bridge", ...}; every step reads back as it was written.
Json encode(const Step& step);
Json encode(const Steps& steps);

/// Errors: invalid_input with the path of the field.
Result<Step> decode_step(const JsonCursor& cursor);
Result<Steps> decode_steps(const JsonCursor& cursor);

}  // namespace burrow::netstack
