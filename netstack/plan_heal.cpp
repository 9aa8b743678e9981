#include "netstack/plan_heal.h"

#include <algorithm>
#include <iterator>

namespace burrow::netstack {
namespace {

template <typename Is>
MissingGroups filtered(std::span<const RecordedGroup* const> recorded, Is is) {
  MissingGroups groups;
  for (const auto* record : recorded) {
    RecordedGroup missing{.record = record->record, .elements = {}};
    std::ranges::copy_if(record->elements, std::back_inserter(missing.elements), is);
    if (!missing.elements.empty()) groups.push_back(std::move(missing));
  }
  return groups;
}

}  // namespace

MissingGroups missing_from(std::span<const RecordedGroup* const> recorded,
                           std::span<const firewall::Element> standing) {
  return filtered(recorded, [&](const firewall::Element& element) {
    return !std::ranges::binary_search(standing, element);
  });
}

MissingGroups recorded_among(std::span<const RecordedGroup* const> recorded,
                             std::vector<firewall::Element> taken) {
  std::ranges::sort(taken);
  return filtered(recorded, [&](const firewall::Element& element) {
    return std::ranges::binary_search(taken, element);
  });
}

std::vector<firewall::Element> elements_of(const MissingGroups& groups) {
  std::vector<firewall::Element> elements;
  for (const auto& group : groups) {
    elements.insert(elements.end(), group.elements.begin(), group.elements.end());
  }
  return elements;
}

}  // namespace burrow::netstack
