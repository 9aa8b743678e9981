// What the kernel says about changes of our table, by whomever: listens, and tells what was taken
// away. Additions are of no interest here. Changes nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/result.h"
#include "firewall/elements.h"
#include "host/fd.h"

namespace burrow::firewall {

/// Who made a change, as the kernel knows it.
struct Culprit {
  enum class Deed : uint8_t { less, whole_table };
  uint32_t process = 0;  ///< its number in the first pid namespace
  std::string name;
  Deed deed = Deed::less;
  friend bool operator==(const Culprit&, const Culprit&) = default;
};

/// What was taken out of our table since the last look.
struct Losses {
  /// More than single elements: the table, chains, rules or sets, or something that got lost on the
  /// way here. Only comparing all tells what is missing.
  bool needs_comparison = false;
  /// Elements that went, while nothing else did.
  std::vector<Element> elements;
  /// The table went at some time; it may be back.
  bool had_no_table = false;
  /// Chain `admin`, or what is none of ours in the table, has changed; or the table is new.
  bool changed_admin = false;
  /// Rules that somebody took out of chain `admin` while the table stood, by the kernel's numbers.
  std::vector<uint64_t> admin_rules;
  /// Who was last to take the table away, or else something of it, where the kernel says so.
  std::optional<Culprit> by;

  /// Whether anything of ours may be missing.
  [[nodiscard]] bool any() const { return needs_comparison || !elements.empty(); }
  /// Takes in what came later.
  void add(Losses later);
  void blame(Culprit later);
};

/// Reads netlink messages in the order in which they come, transaction by transaction. Pure; the
/// bytes are the kernel's.
class LossReader {
 public:
  /// Takes in the messages of one datagram.
  void read(std::span<const uint8_t> datagram);
  /// Something was lost: from now on only a comparison helps.
  void miss() { losses_.needs_comparison = losses_.changed_admin = true; }
  /// What was told so far; begins anew.
  [[nodiscard]] Losses take();

 private:
  Losses losses_;
  std::vector<uint64_t> admin_rules_;  ///< of the transaction that is being told
  bool takes_away_ = false;            ///< likewise
  bool ends_table_ = false;            ///< likewise
};

/// A socket that hears of changes in one network namespace.
class NoticeSocket {
 public:
  /// Listens from now on, in the calling thread's namespace. Errors: unsupported, permission,
  /// system.
  static Result<NoticeSocket> open();
  /// Becomes readable when something has changed, in whatever table.
  [[nodiscard]] int fd() const { return fd_.get(); }
  /// What came since the last call; does not wait. Errors: system.
  Result<Losses> take();

 private:
  explicit NoticeSocket(host::Fd fd) : fd_(std::move(fd)) {}
  host::Fd fd_;
  LossReader reader_;
};

}  // namespace burrow::firewall
