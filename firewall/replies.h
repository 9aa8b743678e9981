// The answers of nf_tables, from netlink to values, for this folder alone. Nothing here receives.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "firewall/elements.h"

struct nlmsghdr;

namespace burrow::firewall {

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
