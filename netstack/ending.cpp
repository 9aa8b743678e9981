#include "netstack/ending.h"

namespace burrow::netstack {

std::vector<Error> end_attachments(const ContainerId& container,
                                   const std::function<Result<Plan>()>& plan, Session& session,
                                   const std::string& netns) {
  std::vector<Error> errors;
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
