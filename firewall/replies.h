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
/// A rule of our table as far as its place counts.
struct KernelRule {
  std::string chain;
  uint64_t handle = 0;
  std::string comment;
  std::optional<size_t> ordinal;  ///< its number among all_rules(), where it is one of them
};
/// Nothing for other messages.
std::optional<KernelRule> read_rule(const nlmsghdr& message);

/// A chain of our table, and where it hangs.
struct KernelChain {
  std::string name;
  bool is_current = false;  ///< it hangs where this release has it hang, or nowhere as it should
};
std::optional<KernelChain> read_chain(const nlmsghdr& message);
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
  /// Takes in a message with elements, or with those that went; others are passed over. Errors:
  /// corrupt.
  Result<void> read(const nlmsghdr& message);
  /// What was read. Elements that this release would not make are left out.
  [[nodiscard]] std::vector<Element> take();

 private:
  struct Raw {
    SetName set;
    std::vector<uint8_t> key;
    std::vector<uint8_t> key_end;
    std::vector<uint8_t> value;
    std::optional<Field> bound;
    std::string owner;
    bool is_interval_end = false;
  };
  std::vector<Raw> raw_;
};

/// The word of nft for a family of tables (NFPROTO_*): "ip", "inet", ...; "?" for others.
std::string_view family_word(uint32_t family);

}  // namespace burrow::firewall
