#include "ipam/subnets.h"

#include <algorithm>
#include <array>

namespace burrow::ipam {

namespace {

constexpr int kRandomTries = 10'000;

}  // namespace

Result<void> check(const SubnetPool& pool) {
  const int bits = address_bits(pool.base.family());
  if (pool.block_length >= pool.base.prefix_length() && pool.block_length <= bits) return {};
  return fail(Errc::invalid_input, "blocks of /{} cannot be cut from the pool {}",
              pool.block_length, pool.base.to_string());
}

PrefixSet::PrefixSet(std::span<const IpNetwork> prefixes) {
  std::vector<IpNetwork> sorted{prefixes.begin(), prefixes.end()};
  // A prefix sorts before all that lie in it: those add nothing.
  std::ranges::sort(sorted);
  for (const auto& prefix : sorted) {
    if (widest_.empty() || !widest_.back().overlaps(prefix)) widest_.push_back(prefix);
  }
}

std::optional<IpNetwork> PrefixSet::find_overlap(const IpNetwork& block) const {
  // Disjoint and sorted: if any prefix overlaps the block, then the last that begins before its
  // end.
  const auto behind = std::ranges::upper_bound(
      widest_, block.last(), {}, [](const IpNetwork& prefix) { return prefix.address(); });
  if (behind == widest_.begin()) return std::nullopt;
  const auto& candidate = *std::prev(behind);
  if (!candidate.overlaps(block)) return std::nullopt;
  return candidate;
}

Result<IpNetwork> first_free_block(std::span<const SubnetPool> pools, const PrefixSet& taken) {
  for (const auto& pool : pools) {
    if (pool.base.family() != Family::ipv4) continue;
    TRY_VOID(check(pool));
    std::optional<IpAddress> start = pool.base.address();
    while (start && pool.base.contains(*start)) {
      const auto block = TRY(IpNetwork::containing(*start, pool.block_length));
      const auto overlap = taken.find_overlap(block);
      if (!overlap) return block;
      // A prefix that holds the whole block is left behind at once, not block by block.
      start = std::max(block.last(), overlap->last()).next();
    }
  }
  return fail(Errc::exhausted, "could not find free subnet from subnet pools");
}

Result<IpNetwork> random_unique_local(const std::function<uint64_t()>& random,
                                      const PrefixSet& taken) {
  for (int attempt = 0; attempt < kRandomTries; ++attempt) {
    // 40 bits of global identifier and 16 of subnet, all random.
    const uint64_t bits = random();
    std::array<uint8_t, 16> bytes{0xfd};
    for (size_t i = 1; i < 8; ++i) bytes.at(i) = static_cast<uint8_t>(bits >> (8 * i));
    const auto block = TRY(IpNetwork::containing(IpAddress::from_bytes(bytes), 64));
    if (!taken.find_overlap(block)) return block;
  }
  return fail(Errc::exhausted, "failed to get random ipv6 subnet");
}

}  // namespace burrow::ipam
