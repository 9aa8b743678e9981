// What a set-up or teardown would do, as text for people and JSON for programs. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/json.h"
#include "netstack/plan.h"
#include "netstack/record.h"

namespace burrow::netstack {

/// What a command that was cut short has left to do before anything else.
struct Recovery {
  PendingRecord::Command command = PendingRecord::Command::setup;  ///< the one that was cut short
  std::string netns;
  Steps steps;     ///< takes a set-up back, finishes a teardown
  Steps put_back;  ///< then: what the set-up had ended in its favour comes back
};

/// What recovery from `pending` does.
Recovery recovery_of(const PendingRecord& pending);

/// What a command would do, in the order of the members.
struct DryRun {
  PendingRecord::Command command = PendingRecord::Command::setup;
  std::string netns;
  Steps retried;  ///< what earlier commands could not take back, once more
  std::optional<Recovery> recovery;
  Steps replaced;  ///< ends what is on record of the container
  Steps steps;
  std::optional<std::string> answer;  ///< the JSON text that a set-up would print
  std::vector<std::string> notes;     ///< warnings, and what is not foreseen, as sentences
};

/// The steps, numbered through.
std::string to_text(const DryRun& run);
/// Source: schemas/plan.schema.json.
Json encode(const DryRun& run);

}  // namespace burrow::netstack
