#include "netstack/ending.h"

namespace burrow::netstack {

std::vector<Error> end_attachments(const ContainerId& container,
                                   const std::function<Result<Plan>()>& plan, Session& session,
                                   const std::string& netns) {
  std::vector<Error> errors;
  // Whoever runs errands for it needs the journal to finish: to wait for them with the lock in hand
  // would be for ever.
  if (auto waited = session.await_errands(container); !waited) {
    errors.push_back(std::move(waited).error());
    return errors;
  }
  auto planned = plan();
  if (planned && !planned->errands.empty()) {
    if (auto run = session.run_errands(container, planned->errands, errors); !run) {
      errors.push_back(std::move(run).error());
      return errors;
    }
    planned = plan();
  }
  if (!planned) {
    errors.push_back(std::move(planned).error());
    return errors;
  }
  return session.carry_out_teardown(*planned, netns, std::move(errors));
}

}  // namespace burrow::netstack
