// The messages of nf_tables: from values to netlink and back, for this folder alone. Nothing here
// sends or receives.
#pragma once

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
void put_new_rule(Messages& batch, const Rule& rule);

/// Puts as many messages as `elements` need; all are of one set. Adding is exclusive.
void put_add_elements(Messages& batch, std::span<const Element> elements);
void put_delete_elements(Messages& batch, std::span<const Element> elements);
void put_get_generation(Messages& requests);
void put_get_table(Messages& requests);
/// Asks for the element that holds the key of `element`, its first one if that is an interval.
void put_get_element(Messages& requests, const Element& element);
void put_dump_elements(Messages& requests, SetName set);
void put_dump_rules(Messages& requests, std::string_view chain);
void put_dump_chains(Messages& requests);
void put_dump_sets(Messages& requests);

std::optional<uint32_t> read_generation(const nlmsghdr& message);
/// The comment of a rule of chain `chain` in our table; nothing for other messages.
std::optional<std::string> read_rule_comment(const nlmsghdr& message, std::string_view chain);
/// The name of a chain of our table.
std::optional<std::string> read_chain_name(const nlmsghdr& message);

/// A set as the kernel has it, as far as its elements depend on it.
struct KernelSet {
  std::string name;
  bool is_current = false;  ///< its shape is the one that this release makes
};
std::optional<KernelSet> read_set(const nlmsghdr& message);

/// Collects elements from any number of messages: intervals of single fields come from the kernel
/// as two elements, perhaps in two messages.
class ElementReader {
 public:
  /// Takes in a message with elements; others are passed over. Errors: corrupt.
  Result<void> read(const nlmsghdr& message);
  /// What was read. Elements that this release would not make are left out.
  [[nodiscard]] std::vector<Element> take();

 private:
  struct Raw {
    SetName set;
    std::vector<uint8_t> key;
    std::vector<uint8_t> key_end;
    std::vector<uint8_t> value;
    std::string owner;
    bool is_interval_end = false;
  };
  std::vector<Raw> raw_;
};

}  // namespace burrow::firewall
