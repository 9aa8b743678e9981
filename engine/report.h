// What a supervisor tells the command that started it, one JSON object a line.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"
#include "engine/container.h"

namespace burrow::engine {

/// Either the container runs, or it ended (or never started, and then there is an error).
struct Report {
  std::optional<ProcessIdentity> started;
  std::optional<int> exit_code;
  std::string error;
};

/// One line, with its end.
std::string render(const Report& report);
/// Errors: invalid_input.
Result<Report> parse_report(std::string_view line);

}  // namespace burrow::engine
