// The number that each rule of ours carries as user data, unseen by who lists the table: by it a
// missing rule is told, and where it belongs. Pure, for this folder alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "firewall/nftables.h"
#include "firewall/replies.h"

namespace burrow::firewall {

/// The user data of rule `ordinal` of all_rules(). nft passes over entries of types it does not
/// know.
std::vector<uint8_t> encode_mark(size_t ordinal);
/// The number in a rule's user data; nothing for a rule that is none of this release.
std::optional<size_t> decode_mark(std::span<const uint8_t> notes);

/// What state a table with these rules is in: each chain's rules in their order.
TableState assess(std::span<const KernelRule> rules);

}  // namespace burrow::firewall
