// The firewall in the kernel: the only writer of table `inet burrow`, and its reader.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/names.h"
#include "core/result.h"
#include "firewall/elements.h"

namespace burrow::firewall {

/// What the kernel has of our table. `damaged`: chains, sets or rules of this release are missing;
/// its elements are not looked at. `outdated`: another release made it.
enum class TableState : uint8_t { missing, current, damaged, outdated };

/// Whether a table in this state keeps its elements, so that they are worth changing singly.
constexpr bool keeps_elements(TableState state) {
  return state == TableState::current || state == TableState::damaged;
}

class AdminRules;

/// One transaction. Removals happen before additions.
struct Change {
  enum class Table : uint8_t {
    /// The table is there and current; it goes if `remove` took its last bridge.
    keep,
    create,  ///< the table is missing: make it whole
    /// Parts of the table are missing: put back those, and nothing else. What others put into our
    /// chains stays.
    mend,
    remove,  ///< delete the table whole, `add` and `remove` are not looked at
    /// Delete the table whole if `remove` takes its last bridge, else keep it; decided by what is
    /// there when it happens.
    remove_if_last,
    /// Renew chains, rules and all elements. The rules of chain `admin` stay, and elements whose
    /// owner neither `add` nor `remove` names, as far as sets are of this release's kinds.
    replace,
  };
  Table table = Table::keep;
  std::vector<Element> remove;
  std::vector<Element> add;
  /// What chain `admin` gets at its end, in the same transaction (admin_rules.h); not by `replace`.
  std::shared_ptr<const AdminRules> administrators = {};
};

class NetfilterSocket;

/// Table `inet burrow` of one network namespace. One thread at a time.
class Nftables {
 public:
  /// Opens a socket in the calling thread's network namespace; usable from any thread afterwards.
  /// Errors: unsupported when the kernel has no nfnetlink, system.
  static Result<Nftables> open();
  Nftables(Nftables&&) noexcept;
  Nftables& operator=(Nftables&&) noexcept;
  ~Nftables();

  /// One request whose cost does not depend on the number of elements.
  Result<TableState> observe();

  /// Executes `change` whole or not at all, in one batch of any size.
  ///
  /// An element that is already there with the same owner and value is fine, and one with the same
  /// owner and another value is replaced. Removing an element that is not there, or that belongs to
  /// another owner by now, does nothing. Wildcard, specific and range publications of one port
  /// exclude each other.
  /// Errors: already_exists, naming the port and its owner; changed when the table came or went
  /// since it was observed, or when others kept changing the firewall; permission; system.
  /// Cost: two lookups per element; adding a wildcard publication also reads `publish*_at`, adding
  /// a range also reads `publish*_range`, and a new
  /// prefix the set of its kind.
  Result<void> apply(const Change& change);

  /// Whether `change`, which keeps the table, would run into elements of others as they are now.
  /// Changes nothing. Errors: as of `apply`, as far as lookups can tell.
  Result<void> check(const Change& change);

  /// All elements of all sets and maps of ours that commands fill, sorted; none when there is no
  /// table.
  Result<std::vector<Element>> elements();

  /// Forgets whom the host's firewall let in to published ports: all are asked about again. Without
  /// our table there is nothing to forget. Errors: permission, system.
  Result<void> end_admissions();

  /// The elements of set `bridges`, sorted; none when there is no table.
  Result<std::vector<LinkName>> bridges();

  /// Those of `elements` that stand exactly as they are here, in their order. One lookup each.
  Result<std::vector<Element>> standing(std::span<const Element> elements);

  /// For each element, in order: the owner of the element with its key, if there is one. One
  /// lookup each.
  Result<std::vector<std::optional<std::string>>> owners(std::span<const Element> elements);

 private:
  explicit Nftables(std::unique_ptr<NetfilterSocket> socket);
  std::unique_ptr<NetfilterSocket> socket_;
};

}  // namespace burrow::firewall
