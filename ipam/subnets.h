// Which subnet next? Cuts free blocks out of pools, or makes a unique local one up. Pure: remembers
// nothing; the caller knows what is taken and brings the randomness.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "core/ip.h"
#include "core/result.h"

namespace burrow::ipam {

/// A prefix to cut free subnets from: blocks of `block_length`, from its start.
struct SubnetPool {
  IpNetwork base;
  uint8_t block_length = 24;
};

/// Checks that blocks of the pool fit into it and into the family. Errors: invalid_input.
Result<void> check(const SubnetPool& pool);

/// Prefixes to keep clear of, of both families. Looking one up costs the logarithm of their number.
class PrefixSet {
 public:
  PrefixSet() = default;
  explicit PrefixSet(std::span<const IpNetwork> prefixes);

  /// A prefix of the set that `block` overlaps; of several nested ones the widest.
  [[nodiscard]] std::optional<IpNetwork> find_overlap(const IpNetwork& block) const;

 private:
  std::vector<IpNetwork> widest_;  // sorted and disjoint
};

/// The first block of the pools, in their order, that overlaps nothing of `taken`. IPv6 pools are
/// passed over. Costs time in the number of taken prefixes, not in the size of the pools. Errors:
/// exhausted; invalid_input when a pool does not pass `check`.
Result<IpNetwork> first_free_block(std::span<const SubnetPool> pools, const PrefixSet& taken);

/// A random prefix of fd00::/8 with length 64 (RFC 4193 section 3.1) that overlaps nothing of
/// `taken`. `random` yields 64 random bits a call. Errors: exhausted after 10,000 tries.
Result<IpNetwork> random_unique_local(const std::function<uint64_t()>& random,
                                      const PrefixSet& taken);

}  // namespace burrow::ipam
