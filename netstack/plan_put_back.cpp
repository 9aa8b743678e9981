#include <algorithm>

#include "netstack/plan.h"

namespace burrow::netstack {
namespace {

void append(Steps& to, const Steps& steps) { to.insert(to.end(), steps.begin(), steps.end()); }

}  // namespace

Steps plan_put_back(const Plan& teardown, const Snapshot& before, const std::string& netns) {
  const auto is_ended = [&](const std::string& path) {
    return std::ranges::any_of(teardown.changes, [&](const RecordChange& change) {
      return change.path == path && !change.after;
    });
  };
  Steps attachments;
  for (const auto& record : before.attachments) {
    const auto path = attachment_record_path(record.container, record.network);
    if (record.netns == netns && is_ended(path)) append(attachments, record.steps);
  }
  if (attachments.empty()) return {};
  Steps steps;
  if (before.host && is_ended(host_record_path())) append(steps, before.host->steps);
  for (const auto& [name, network] : before.networks) {
    if (network.record && is_ended(network_record_path(name))) {
      append(steps, network.record->steps);
    }
  }
  // Ports that went on to another attachment of the container come back from there.
  for (const auto& step : teardown.steps) {
    const auto* change = std::get_if<ChangeFirewall>(&step);
    if (change != nullptr && !change->add.empty()) {
      steps.emplace_back(ChangeFirewall{.remove = change->add});
    }
    const auto* other = std::get_if<ChangeFirewalld>(&step);
    if (other != nullptr && !other->add.empty()) {
      steps.emplace_back(ChangeFirewalld{.remove = other->add});
    }
  }
  append(steps, attachments);
  return merge(std::move(steps));
}

}  // namespace burrow::netstack
