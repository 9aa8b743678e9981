#include "netstack/firewall_check.h"

#include <algorithm>
#include <iterator>

namespace burrow::netstack {

Result<void> check_firewall(const Plan& plan, std::vector<firewall::Element> ended,
                            Handles& handles) {
  if (!handles.nftables || plan.steps.empty()) return {};
  const auto* wanted = std::get_if<ChangeFirewall>(&plan.steps.front());
  if (wanted == nullptr) return {};
  if (wanted->table != TableChange::keep && wanted->table != TableChange::mend) return {};
  firewall::Change change{.remove = wanted->remove, .add = wanted->add};
  std::ranges::move(ended, std::back_inserter(change.remove));
  return handles.nftables->check(change);
}

}  // namespace burrow::netstack
