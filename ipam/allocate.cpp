#include "ipam/allocate.h"

#include <algorithm>

namespace burrow::ipam {
namespace {

// The first address of [first, last] that is neither taken nor the gateway.
std::optional<IpAddress> first_free(const Range& range, const AddressSet& taken,
                                    const std::optional<IpAddress>& gateway) {
  std::optional<IpAddress> candidate = range.first;
  auto next_taken = taken.lower_bound(range.first);
  while (candidate && *candidate <= range.last) {
    const bool is_taken = next_taken != taken.end() && *next_taken == *candidate;
    if (!is_taken && candidate != gateway) return candidate;
    if (is_taken) ++next_taken;
    candidate = candidate->next();
  }
  return std::nullopt;
}

}  // namespace

Result<Range> usable_range(const Pool& pool) {
  const auto& subnet = pool.subnet;
  Range range{subnet.address(), subnet.last()};
  const int host_bits = address_bits(subnet.family()) - subnet.prefix_length();
  if (host_bits >= 2) {
    range.first = *range.first.next();
    if (subnet.family() == Family::ipv4) range.last = *range.last.previous();
  }
  const Range whole = range;
  // A bound of the other family cannot narrow anything: addresses order by family first.
  if (pool.first && pool.first->family() == subnet.family()) {
    range.first = std::max(range.first, *pool.first);
  }
  if (pool.last && pool.last->family() == subnet.family()) {
    range.last = std::min(range.last, *pool.last);
  }
  if (range.first > range.last) {
    return fail(Errc::exhausted, "lease range {} - {} holds no address of {} - {}",
                pool.first.value_or(whole.first).to_string(),
                pool.last.value_or(whole.last).to_string(), whole.first.to_string(),
                whole.last.to_string());
  }
  return range;
}

Result<IpAddress> allocate(const Pool& pool, const AddressSet& taken,
                           const std::optional<IpAddress>& after) {
  const auto range = TRY(usable_range(pool));
  auto start = range.first;
  if (after && *after >= range.first && *after < range.last) start = *after->next();
  if (const auto found = first_free({start, range.last}, taken, pool.gateway)) return *found;
  if (start != range.first) {
    const Range before{range.first, *start.previous()};
    if (const auto found = first_free(before, taken, pool.gateway)) return *found;
  }
  return fail(Errc::exhausted, "failed to find free IP in range: {} - {}", range.first.to_string(),
              range.last.to_string());
}

}  // namespace burrow::ipam
