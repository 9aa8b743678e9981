#include "netstack/plan_reload.h"

namespace burrow::netstack {

std::vector<std::vector<firewall::Element>> recorded_groups(
    const std::vector<NetworkRecord>& networks, const std::vector<AttachmentRecord>& attachments) {
  std::vector<std::vector<firewall::Element>> groups;
  const auto add = [&](const Steps& steps) {
    if (auto elements = elements_of(steps); !elements.empty())
      groups.push_back(std::move(elements));
  };
  for (const auto& record : networks) add(record.steps);
  for (const auto& record : attachments) add(record.steps);
  return groups;
}

TableChange table_change_for(firewall::TableState table) {
  switch (table) {
    case firewall::TableState::current:
      return TableChange::keep;
    case firewall::TableState::missing:
      return TableChange::create;
    case firewall::TableState::damaged:
      return TableChange::mend;
    case firewall::TableState::outdated:
      return TableChange::replace;
  }
  return TableChange::keep;
}

ChangeFirewall plan_reload(firewall::TableState table,
                           const std::vector<std::vector<firewall::Element>>& groups) {
  ChangeFirewall change{.table = table_change_for(table)};
  for (const auto& group : groups) {
    change.restore.insert(change.restore.end(), group.begin(), group.end());
  }
  return change;
}

}  // namespace burrow::netstack
