#include "netstack/execute.h"

#include "core/log.h"

namespace burrow::netstack {

Result<void> execute_all_or_nothing(std::span<const Step> steps, Applier& applier) {
  for (size_t i = 0; i < steps.size(); ++i) {
    log::debug("netstack", "{}", to_string(steps[i]));
    auto applied = applier.apply(steps[i]);
    if (applied) continue;
    for (const auto& error : execute_all(invert(steps.first(i)), applier)) {
      log::error("netstack", "while taking back a failed set-up: {}", error.message);
    }
    return applied;
  }
  return {};
}

std::vector<Error> execute_all(std::span<const Step> steps, Applier& applier) {
  std::vector<Error> errors;
  for (const auto& step : steps) {
    log::debug("netstack", "{}", to_string(step));
    if (auto applied = applier.apply(step); !applied) errors.push_back(std::move(applied).error());
  }
  return errors;
}

}  // namespace burrow::netstack
