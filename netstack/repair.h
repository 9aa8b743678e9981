// The sub-command `repair`: compares the journal with the host and mends what differs.
#pragma once

#include <string>
#include <vector>

#include "core/json.h"
#include "netstack/plan_repair.h"
#include "netstack/surroundings.h"

namespace burrow::netstack {

/// Whether anything is changed.
enum class RepairMode { look_only, mend };

/// What became of one difference.
enum class Fate { mended, left, foreseen };

/// What was found, and what came of it.
struct RepairReport {
  struct Entry {
    Difference difference;
    Fate fate = Fate::foreseen;
  };
  std::vector<Entry> entries;
  std::vector<std::string> errors;  ///< sentences: why something could not be mended
  /// Whether the host is as the journal says, now.
  [[nodiscard]] bool is_well() const;
};

/// One run directory. Takes turns with other commands; a command that was cut short is recovered
/// first. Safe to repeat. Errors: system, permission: what makes looking impossible.
Result<RepairReport> repair(const Surroundings& surroundings, RepairMode mode);

/// A table for people.
std::string to_text(const RepairReport& report);
/// {"well": ..., "differences": [...], "errors": [...]}: schemas/repair.schema.json.
Json encode(const RepairReport& report);

}  // namespace burrow::netstack
