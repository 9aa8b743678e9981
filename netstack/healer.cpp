#include "netstack/healer.h"

#include <algorithm>
#include <iterator>

#include "core/log.h"
#include "firewall/neighbours.h"
#include "netstack/dns_daemon.h"
#include "netstack/plan_reload.h"

namespace burrow::netstack {
namespace {

// How often the table is looked at again after somebody else changed the firewall meanwhile.
constexpr int kAttempts = 5;

firewall::Change::Table table_change(firewall::TableState table) {
  switch (table) {
    case firewall::TableState::missing:
      return firewall::Change::Table::create;
    case firewall::TableState::damaged:
      return firewall::Change::Table::mend;
    case firewall::TableState::outdated:
      return firewall::Change::Table::replace;
    case firewall::TableState::current:
      break;
  }
  return firewall::Change::Table::keep;
}

}  // namespace

std::string to_string(const Healed& healed) {
  std::vector<std::string> parts;
  if (healed.table == TableChange::mend) {
    parts.emplace_back("chains or rules");
  } else if (healed.table != TableChange::keep) {
    parts.emplace_back("our table");
  }
  const auto count = [&](size_t number, std::string_view what) {
    if (number > 0) parts.push_back(fmt::format("{} {}{}", number, what, number == 1 ? "" : "s"));
  };
  count(healed.elements, "element");
  if (healed.admin_rules > 0) {
    parts.push_back(
        fmt::format("{} of chain admin", healed.admin_rules == 1
                                             ? std::string{"1 rule"}
                                             : fmt::format("{} rules", healed.admin_rules)));
  }
  count(healed.accepts, "rule");
  if (healed.accepts > 0) parts.back() += " in chains of other firewalls";
  return fmt::format("{}", fmt::join(parts, ", "));
}

Result<Healer> Healer::open(const std::vector<std::filesystem::path>& run_directories) {
  Healer healer{TRY(firewall::Nftables::open())};
  for (const auto& path : run_directories) healer.directories_.push_back({path, {}});
  TRY_VOID(healer.settle(Records::none));
  return healer;
}

Result<void> Healer::settle(Records records) {
  auto rules = firewall::AdminRules::read();
  // They are changing right now: there is going to be a notice of it.
  if (!rules && rules.error().code == Errc::changed) return {};
  const bool is_missing = TRY(nftables_.observe()) == firewall::TableState::missing;
  // It was taken away this moment: what is kept is for the repair that is to follow.
  if (is_missing && records == Records::there) return {};
  admin_ = std::make_shared<firewall::AdminRules>(TRY(std::move(rules)));
  if (is_missing) {
    guard_.reset();
  } else {
    guard_translations();
  }
  return {};
}

void Healer::guard_translations() {
  if (guard_) return;
  if (auto guard = firewall::NatGuard::put_up()) {
    guard_ = *std::move(guard);
  } else {
    log::info("watch", "connections may be reset while our table is gone: {}",
              guard.error().message);
  }
}

Result<Healed> Healer::heal(const firewall::Losses& losses) {
  if (admin_) {
    for (const auto handle : losses.admin_rules) admin_->forget(handle);
  }
  Healed healed;
  bool may_be_gone = losses.had_no_table;
  if (losses.any() || losses.changed_others) {
    // All locks are held until all is back: what is on record cannot change meanwhile.
    std::vector<Journal> journals;
    std::vector<const RecordedGroup*> recorded;
    for (auto& directory : directories_) {
      journals.push_back(TRY(Journal::look(directory.path)));
      TRY_VOID(directory.cache.refresh(journals.back()));
      std::ranges::move(directory.cache.groups(), std::back_inserter(recorded));
    }
    if (recorded.empty()) {
      opened_.reset();
      // The last network took the table along, and the administrator's rules in it.
      TRY_VOID(settle(Records::none));
      return healed;
    }
    if (losses.any()) healed = TRY(put_back(losses, recorded));
    open_neighbours(healed);
    may_be_gone |= healed.table != TableChange::keep;
  }
  if (healed.table != TableChange::keep) {
    for (const auto& directory : directories_) renew_names(directory.path / "aardvark-dns");
  }
  if (losses.changed_admin || may_be_gone || healed.admin_rules > 0) {
    TRY_VOID(settle(Records::there));
  }
  return healed;
}

// Behind our table, which filters what others let pass.
void Healer::open_neighbours(Healed& healed) {
  std::vector<firewall::Accepts> wanted;
  for (const auto& directory : directories_) {
    std::ranges::move(directory.cache.accepts(), std::back_inserter(wanted));
  }
  if (wanted.empty()) {
    opened_.reset();
    return;
  }
  auto placed = firewall::place_accepts(wanted);
  if (!placed) {
    // They are to stand all the same: where, is as far as was known.
    if (!opened_) opened_.emplace();
    healed.trouble.push_back(std::move(placed).error().message);
    return;
  }
  healed.accepts = placed->added;
  opened_ = std::move(placed->places);
  std::ranges::move(placed->trouble, std::back_inserter(healed.trouble));
}

Result<Healed> Healer::put_back(const firewall::Losses& losses,
                                const std::vector<const RecordedGroup*>& recorded) {
  for (int attempt = 1;; ++attempt) {
    auto healed = try_put_back(losses, recorded);
    if (healed || healed.error().code != Errc::changed || attempt == kAttempts) return healed;
  }
}

Result<Healed> Healer::try_put_back(const firewall::Losses& losses,
                                    const std::vector<const RecordedGroup*>& recorded) {
  Healed healed;
  auto table = firewall::TableState::current;
  MissingGroups missing;
  if (losses.needs_comparison) {
    table = TRY(nftables_.observe());
    std::vector<firewall::Element> standing;
    if (firewall::keeps_elements(table)) standing = TRY(nftables_.elements());
    missing = missing_from(recorded, standing);
  } else {
    // They may be back already: a set-up may have followed the teardown that took them.
    auto standing = TRY(nftables_.standing(losses.elements));
    std::ranges::sort(standing);
    auto gone = losses.elements;
    std::erase_if(gone, [&](const firewall::Element& element) {
      return std::ranges::binary_search(standing, element);
    });
    missing = recorded_among(recorded, std::move(gone));
  }
  firewall::Change change{.table = table_change(table), .add = elements_of(missing)};
  TRY_VOID(choose_admin_rules(losses, table, change, healed));
  if (change.table == firewall::Change::Table::keep && missing.empty() && !change.administrators) {
    return healed;
  }
  healed.table = table_change_for(table);
  healed.elements = change.add.size();
  healed.admin_rules = change.administrators ? change.administrators->count() : 0;
  TRY_VOID(apply(std::move(change), missing, healed));
  return healed;
}

Result<void> Healer::choose_admin_rules(const firewall::Losses& losses, firewall::TableState table,
                                        firewall::Change& change, Healed& healed) {
  if (!admin_ || admin_->count() == 0) return {};
  if (table != firewall::TableState::missing) {
    // A command of ours, or somebody else, may have made the table anew before us.
    if (!losses.had_no_table) return {};
    if (TRY(firewall::AdminRules::read()).count() > 0) return {};
  }
  if (admin_->obstacle()) {
    healed.trouble.push_back(fmt::format("the {} rules of chain admin are lost: {}",
                                         admin_->count(), *admin_->obstacle()));
    return {};
  }
  change.administrators = admin_;
  return {};
}

// One transaction. Where somebody else holds an element by now, everything else comes back record
// by record; where the kernel refuses the administrator's rules, ours come back without them.
Result<void> Healer::apply(firewall::Change change, const MissingGroups& missing, Healed& healed) {
  auto done = nftables_.apply(change);
  if (done || done.error().code == Errc::changed) return done;
  if (change.administrators && done.error().code != Errc::already_exists) {
    healed.trouble.push_back(
        fmt::format("rules of chain admin cannot be put back: {}", done.error().message));
    healed.admin_rules = 0;
    change.administrators.reset();
    return apply(std::move(change), missing, healed);
  }
  if (done.error().code != Errc::already_exists) return done;
  if (change.table != firewall::Change::Table::keep || change.administrators) {
    change.add.clear();
    TRY_VOID(nftables_.apply(change));
  }
  healed.elements = 0;
  for (const auto& group : missing) {
    if (auto added = nftables_.apply({.add = group.elements})) {
      healed.elements += group.elements.size();
    } else if (added.error().code == Errc::changed) {
      return added;
    } else {
      healed.trouble.push_back(std::move(added).error().message);
    }
  }
  return {};
}

}  // namespace burrow::netstack
