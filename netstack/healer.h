// Puts back what is missing from our firewall table, from the journals of several run directories,
// in one transaction. When to do so is the watcher's matter.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "firewall/admin_rules.h"
#include "firewall/nat_guard.h"
#include "firewall/nftables.h"
#include "firewall/notices.h"
#include "netstack/journal.h"
#include "netstack/plan_heal.h"
#include "netstack/record_cache.h"
#include "netstack/step.h"

namespace burrow::netstack {

/// What was put back, and what could not be.
struct Healed {
  TableChange table = TableChange::keep;
  size_t elements = 0;
  size_t admin_rules = 0;
  size_t accepts = 0;                ///< rules in chains of other firewalls
  std::vector<std::string> trouble;  ///< sentences

  [[nodiscard]] bool any() const {
    return table != TableChange::keep || elements > 0 || admin_rules > 0 || accepts > 0;
  }
};

/// In words: "our table, 40 elements and 2 rules of chain admin".
std::string to_string(const Healed& healed);

class Healer {
 public:
  /// For the table of the calling thread's network namespace. Errors: unsupported, permission,
  /// system.
  static Result<Healer> open(const std::vector<std::filesystem::path>& run_directories);

  /// Waits until no command is at work, reads what the journals have by then, and puts back what of
  /// it is missing; our own commands' changes are on record when they let go, so that nothing of
  /// them is missing. Elements that somebody else holds by now are left to them and named. Errors:
  /// changed when the firewall would not hold still; permission; system.
  Result<Healed> heal(const firewall::Losses& losses);
  /// Chains of others in which rules of ours stood when it was last looked, for losses or changes
  /// of others; nothing where no network has any on record.
  [[nodiscard]] const std::optional<std::set<firewall::ChainPlace>>& opened() const {
    return opened_;
  }

 private:
  struct Directory {
    std::filesystem::path path;
    RecordCache cache;
  };
  explicit Healer(firewall::Nftables nftables) : nftables_(std::move(nftables)) {}

  Result<Healed> put_back(const firewall::Losses& losses,
                          const std::vector<const RecordedGroup*>& recorded);
  /// One try. Errors: changed when the firewall is another by now.
  Result<Healed> try_put_back(const firewall::Losses& losses,
                              const std::vector<const RecordedGroup*>& recorded);
  Result<void> apply(firewall::Change change, const MissingGroups& missing, Healed& healed);
  Result<void> choose_admin_rules(const firewall::Losses& losses, firewall::TableState table,
                                  firewall::Change& change, Healed& healed);
  /// The table is there, or it is not: what is to be kept of it, and by it.
  enum class Records { none, there };
  Result<void> settle(Records records);
  void guard_translations();
  void open_neighbours(Healed& healed);

  firewall::Nftables nftables_;
  std::vector<Directory> directories_;
  std::optional<std::set<firewall::ChainPlace>> opened_;
  std::shared_ptr<firewall::AdminRules> admin_;  ///< nothing until they held still once
  std::optional<firewall::NatGuard> guard_;      ///< while our table is there, or is to be
};

}  // namespace burrow::netstack
