#include "netstack/execute.h"

#include "core/log.h"

namespace burrow::netstack {

namespace {

// Applies the first steps and says which they were.
Applied apply_and_log(std::span<const Step> steps, Applier& applier) {
  log::debug("netstack", "{}", to_string(steps.front()));
  auto applied = applier.apply_first(steps);
  const size_t tried = applied.count + (applied.outcome ? 0 : 1);
  for (const auto& step : steps.first(tried).subspan(1)) {
    log::debug("netstack", "{}", to_string(step));
  }
  return applied;
}

// firewalld may yet do what it has not done in time.
bool may_be_done(const Step& step, const Error& error) {
  return std::holds_alternative<ChangeFirewalld>(step) && error.code == Errc::timeout;
}

}  // namespace

Applied Applier::apply_first(std::span<const Step> steps) {
  auto outcome = apply(steps.front());
  return {outcome ? size_t{1} : size_t{0}, std::move(outcome)};
}

Attempt attempt_all(std::span<const Step> steps, Applier& applier) {
  size_t done = 0;
  while (done < steps.size()) {
    auto applied = apply_and_log(steps.subspan(done), applier);
    done += applied.count;
    if (applied.outcome) continue;
    if (may_be_done(steps[done], applied.outcome.error())) ++done;
    auto left = execute_each(invert(steps.first(done)), applier);
    for (const auto& failed : left) {
      log::error("netstack", "while taking back a failed set-up: {}", failed.error.message);
    }
    return {std::move(applied.outcome), std::move(left)};
  }
  return {};
}

Result<void> execute_all_or_nothing(std::span<const Step> steps, Applier& applier) {
  return attempt_all(steps, applier).outcome;
}

std::vector<FailedStep> execute_each(std::span<const Step> steps, Applier& applier) {
  std::vector<FailedStep> failed;
  while (!steps.empty()) {
    auto applied = apply_and_log(steps, applier);
    if (applied.outcome) {
      steps = steps.subspan(applied.count);
      continue;
    }
    failed.push_back({steps[applied.count], std::move(applied.outcome).error()});
    steps = steps.subspan(applied.count + 1);
  }
  return failed;
}

std::vector<Error> execute_all(std::span<const Step> steps, Applier& applier) {
  std::vector<Error> errors;
  for (auto& failed : execute_each(steps, applier)) errors.push_back(std::move(failed.error));
  return errors;
}

}  // namespace burrow::netstack
