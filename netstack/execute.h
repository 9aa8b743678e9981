// The only writer: carries plans out, step by step.
#pragma once

#include <span>
#include <vector>

#include "netstack/step.h"

namespace burrow::netstack {

/// How far an applier came: `count` steps are done, and the one behind them failed if there is an
/// error.
struct Applied {
  size_t count = 0;
  Result<void> outcome;
};

/// What can carry out one step, whole or not at all. Steps that remove something treat what is
/// already gone as done.
class Applier {
 public:
  Applier() = default;
  Applier(const Applier&) = delete;
  Applier& operator=(const Applier&) = delete;
  virtual ~Applier() = default;
  virtual Result<void> apply(const Step& step) = 0;
  /// Carries out the first of `steps` (there is one), and those behind it that go along at no
  /// further cost.
  virtual Applied apply_first(std::span<const Step> steps);
};

/// A step that could not be carried out, and why.
struct FailedStep {
  Step step;
  Error error;
};

/// What came of all or nothing.
struct Attempt {
  Result<void> outcome;
  std::vector<FailedStep> left;  ///< after a failure: what could not be taken back
};

/// All or nothing: at the first error everything before it is taken back. Trouble while taking back
/// is logged and returned.
Attempt attempt_all(std::span<const Step> steps, Applier& applier);
/// The same, for its outcome alone.
Result<void> execute_all_or_nothing(std::span<const Step> steps, Applier& applier);

/// As much as possible: goes on after errors and returns what failed.
std::vector<FailedStep> execute_each(std::span<const Step> steps, Applier& applier);
/// The same, for the errors alone.
std::vector<Error> execute_all(std::span<const Step> steps, Applier& applier);

}  // namespace burrow::netstack
