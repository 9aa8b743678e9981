// What the kernel says about changes of our table, by whomever: listens, and tells what was taken
// away. Additions are of no interest here, but for those in chains of others that may drop what
// rules of ours are to accept there. Changes nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/result.h"
#include "firewall/accepts.h"
#include "firewall/elements.h"
#include "host/fd.h"

struct nlmsghdr;

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
  /// A rule of ours went from a chain of others, or such a chain may drop more than before.
  bool changed_others = false;
  /// Who was last to take the table away, or else something of it, where the kernel says so.
  std::optional<Culprit> by;

  /// Whether anything of ours may be missing.
  [[nodiscard]] bool any() const { return needs_comparison || !elements.empty(); }
  /// Takes in what came later.
  void add(Losses later);
  void blame(Culprit later);
};

/// Reads netlink messages in the order in which they come, transaction by transaction. Pure; the
/// bytes are the kernel's. Of chains of others it tells what drops packets, and, once rules of ours
/// are known to stand there, what comes into those chains, and what leads packets elsewhere: others
/// change their rules all day.
class LossReader {
 public:
  /// Takes in the messages of one datagram.
  void read(std::span<const uint8_t> datagram);
  /// Something was lost: from now on only a comparison helps.
  void miss() { losses_.needs_comparison = losses_.changed_admin = losses_.changed_others = true; }
  /// Rules of ours are to stand in chains of others, and do so in these; nothing: none are to.
  void follow_others(std::optional<std::set<ChainPlace>> places);
  /// What was told so far; begins anew.
  [[nodiscard]] Losses take();

 private:
  void read_others(const nlmsghdr& message);

  bool follows_others_ = false;
  std::set<ChainPlace> followed_;
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
  void follow_others(std::optional<std::set<ChainPlace>> places) {
    reader_.follow_others(std::move(places));
  }

 private:
  explicit NoticeSocket(host::Fd fd) : fd_(std::move(fd)) {}
  host::Fd fd_;
  LossReader reader_;
};

}  // namespace burrow::firewall
