// The requests of nf_tables, from values to netlink, for this folder alone. Nothing here sends.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "firewall/elements.h"
#include "firewall/netlink.h"
#include "firewall/ruleset.h"

namespace burrow::firewall {

/// A batch fails with ERESTART when the firewall is no longer at `generation`.
void put_batch_begin(Messages& batch, std::optional<uint32_t> generation);
/// Ends a batch and has it acknowledged.
void put_batch_end(Messages& batch);

void put_new_table(Messages& batch);
void put_delete_table(Messages& batch);
void put_new_chain(Messages& batch, const Chain& chain);
void put_flush_chain(Messages& batch, std::string_view chain);
void put_delete_chain(Messages& batch, std::string_view chain);
void put_new_set(Messages& batch, const SetShape& shape);
void put_flush_set(Messages& batch, std::string_view set);
void put_delete_set(Messages& batch, std::string_view set);
/// Puts `rule`, which is number `ordinal` of all_rules(), at the end of its chain, or right before
/// the rule that the kernel knows by the handle `before`.
void put_new_rule(Messages& batch, const Rule& rule, size_t ordinal,
                  std::optional<uint64_t> before = std::nullopt);
/// Puts all rules, in their order.
void put_all_rules(Messages& batch);

/// Puts as many messages as `elements` need; all are of one set. Adding is exclusive.
void put_add_elements(Messages& batch, std::span<const Element> elements);
void put_delete_elements(Messages& batch, std::span<const Element> elements);
/// The same as adding, of elements that may be there: then nothing happens.
void put_ensure_elements(Messages& batch, std::span<const Element> elements);
/// Adds elements to a set that answers fill, each for its own while, in their order.
void put_add_elements_for(Messages& batch, std::span<const Element> elements,
                          std::span<const std::chrono::milliseconds> whiles);
void put_get_generation(Messages& requests);
void put_get_table(Messages& requests);
/// Asks for the element that holds the key of `element`, its first one if that is an interval.
void put_get_element(Messages& requests, const Element& element);
void put_dump_elements(Messages& requests, std::string_view set);
void put_dump_rules(Messages& requests);
void put_dump_chains(Messages& requests);
void put_dump_sets(Messages& requests);

/// A type of NFT_MSG_* as it stands in a header.
uint16_t message_type(int type);
/// The NFT_SET_* flags that a set of this shape has.
uint32_t set_flags(const SetShape& shape);

}  // namespace burrow::firewall
