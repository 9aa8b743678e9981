#include "firewall/nftables.h"

#include <linux/netlink.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <set>

#include "core/log.h"
#include "firewall/admin_rules.h"
#include "firewall/conflicts.h"
#include "firewall/limits.h"
#include "firewall/mending.h"
#include "firewall/messages.h"
#include "firewall/netlink.h"
#include "firewall/policy.h"
#include "firewall/replies.h"
#include "firewall/rule_mark.h"
#include "firewall/ruleset.h"
#include "firewall/session.h"

namespace burrow::firewall {
namespace {

// Each failed attempt means that somebody else's change went through.
constexpr int kMostAttempts = 100;

bool has_code(const std::vector<Refusal>& refusals, int code) {
  return std::ranges::any_of(refusals, [&](const Refusal& one) { return one.code == code; });
}

// Others changed the firewall between our look and our batch: look again.
bool is_overtaken(const std::vector<Refusal>& refusals) {
  return has_code(refusals, ERESTART) || has_code(refusals, EAGAIN);
}

Failure describe(const std::vector<Refusal>& refusals) {
  const auto& first = refusals.front();
  if (first.text.empty()) return system_failure(first.code, "change the firewall");
  return system_failure(first.code, fmt::format("change the firewall: {}", first.text));
}

// The runs of elements of one set in a sorted list.
template <typename Use>
void for_each_set(std::span<const Element> sorted, Use use) {
  while (!sorted.empty()) {
    const auto end = std::ranges::find_if(
        sorted, [&](const Element& one) { return one.set != sorted.front().set; });
    const auto run = sorted.first(static_cast<size_t>(end - sorted.begin()));
    use(run);
    sorted = sorted.subspan(run.size());
  }
}

bool has_same_key(const Element& a, const Element& b) { return a.set == b.set && a.key == b.key; }

/// What a change comes down to, given what the kernel has.
struct Difference {
  uint32_t generation = 0;
  std::vector<Element> remove;
  std::vector<Element> add;
};

class Reconciliation {
 public:
  Reconciliation(Session& session, const Change& change) : session_(session), change_(change) {}

  Result<Difference> run() {
    collect_lookups();
    auto found = TRY(session_.look_up(lookups_));

    for (size_t i = 0; i < change_.remove.size(); ++i) {
      const auto& there = found.elements[i];
      // Somebody else's by now, or another container's after a flush: not ours to take away.
      if (there && *there == change_.remove[i]) removed_.insert(*there);
    }
    std::vector<Element> kept;
    for (const auto& wish : wishes_) {
      const auto& own = found.elements[wish.first];
      if (own && *own == *wish.element) {
        kept.push_back(*own);
        continue;
      }
      for (size_t i = wish.first; i < wish.last; ++i) {
        if (found.elements[i]) TRY_VOID(give_way(*wish.element, *found.elements[i]));
      }
      for (const auto set : wish.scans) {
        if (!scanned_.contains(set)) scanned_.emplace(set, TRY(session_.read_set(set)));
        for (const auto& there : scanned_.at(set)) TRY_VOID(give_way(*wish.element, there));
      }
      difference_.add.push_back(*wish.element);
    }
    for (const auto& element : kept) removed_.erase(element);
    difference_.generation = found.generation;
    difference_.remove.assign(removed_.begin(), removed_.end());
    std::ranges::sort(difference_.add);
    return std::move(difference_);
  }

 private:
  struct Wish {
    const Element* element;
    size_t first;  ///< of its lookups; the first one is that of its own key
    size_t last;
    std::vector<SetName> scans;
  };

  void collect_lookups() {
    lookups_ = change_.remove;
    for (const auto& element : change_.add) {
      Wish wish{.element = &element, .first = lookups_.size()};
      lookups_.push_back(element);
      auto probes = probes_for(element);
      std::ranges::move(probes.lookups, std::back_inserter(lookups_));
      wish.scans = std::move(probes.scans);
      wish.last = lookups_.size();
      wishes_.push_back(std::move(wish));
    }
  }

  // What stands where `wanted` wants to be goes if it is the owner's own or about to go anyway.
  Result<void> give_way(const Element& wanted, const Element& there) {
    if (!overlaps(wanted, there) || removed_.contains(there)) return {};
    if (there.owner != wanted.owner) return conflict(wanted, there);
    removed_.insert(there);
    return {};
  }

  Session& session_;
  const Change& change_;
  std::vector<Element> lookups_;
  std::vector<Wish> wishes_;
  std::map<SetName, std::vector<Element>> scanned_;
  std::set<Element> removed_;
  Difference difference_;
};

// Names the owner of what a batch ran into although lookups had not found it: an interval that
// contains the new one or overlaps it at its other end.
Failure explain_clash(Session& session, std::span<const Element> added,
                      const std::vector<Refusal>& refusals) {
  std::set<SetName> sets;
  for (const auto& element : added) {
    if (shape_of(element.set).has_intervals()) sets.insert(element.set);
  }
  for (const auto set : sets) {
    auto there = session.read_set(set);
    if (!there) return Failure{std::move(there).error()};
    for (const auto& element : added) {
      const auto found = std::ranges::find_if(
          *there, [&](const Element& one) { return overlaps(one, element) && one != element; });
      if (found != there->end()) return conflict(element, *found);
    }
  }
  return describe(refusals);
}

enum class Structure : uint8_t { whole, mended };

// What hangs on who leaves the gate: addresses that names in its lists stood for. They must not
// hold for whoever has the container's address next.
Result<std::vector<Element>> named_peers_of(Session& session, std::span<const Element> leaving) {
  std::set<Field> owners;
  for (const auto& element : leaving) {
    if (is_gate(element.set)) owners.insert(element.key.front());
  }
  std::vector<Element> found;
  if (owners.empty()) return found;
  for (const auto& shape : all_shapes()) {
    if (shape.filled_by != FilledBy::answers) continue;
    for (auto& element : TRY(session.read_set(shape.set))) {
      if (owners.contains(element.key.front())) found.push_back(std::move(element));
    }
  }
  return found;
}

// Removes what may have ended by itself by now.
void put_end_of(Messages& batch, std::span<const Element> elements) {
  for_each_set(elements, [&](auto run) {
    put_ensure_elements(batch, run);
    put_delete_elements(batch, run);
  });
}

Result<void> keep(Session& session, Change change, Structure structure = Structure::whole) {
  change.add = TRY(without_conflicts(change.add));
  for (int attempt = 0; attempt < kMostAttempts; ++attempt) {
    const auto difference = TRY(Reconciliation{session, change}.run());
    Messages batch;
    put_batch_begin(batch, difference.generation);
    if (structure == Structure::mended) TRY_VOID(put_missing_structure(session, batch));
    if (change.administrators) change.administrators->put(batch);
    if (difference.remove.empty() && difference.add.empty() && batch.count() == 1) return {};
    for_each_set(difference.remove, [&](auto run) { put_delete_elements(batch, run); });
    put_end_of(batch, TRY(named_peers_of(session, difference.remove)));
    for_each_set(difference.add, [&](auto run) { put_add_elements(batch, run); });
    put_batch_end(batch);
    const auto refusals = TRY(session.commit(batch));
    if (refusals.empty()) return {};
    if (is_overtaken(refusals)) continue;
    if (has_code(refusals, ENOENT)) {
      return fail(Errc::changed, "firewall table \"{}\" went away", kTableName);
    }
    if (has_code(refusals, EEXIST) || has_code(refusals, EBUSY)) {
      return explain_clash(session, difference.add, refusals);
    }
    return describe(refusals);
  }
  return fail(Errc::changed, "the firewall kept changing, {} attempts were overtaken",
              kMostAttempts);
}

Result<void> create(Session& session, const Change& change) {
  const auto add = TRY(without_conflicts(change.add));
  Messages batch;
  put_batch_begin(batch, std::nullopt);
  put_new_table(batch);
  for (const auto& chain : all_chains()) put_new_chain(batch, chain);
  for (const auto& shape : all_shapes()) put_new_set(batch, shape);
  for_each_set(add, [&](auto run) { put_add_elements(batch, run); });
  put_all_rules(batch);
  if (change.administrators) change.administrators->put(batch);
  put_batch_end(batch);
  const auto refusals = TRY(session.commit(batch));
  if (refusals.empty()) return {};
  // The table is the second message: behind the beginning of the batch.
  const bool is_there = std::ranges::any_of(
      refusals, [](const Refusal& one) { return one.sequence == 2 && one.code == EEXIST; });
  if (is_there || is_overtaken(refusals)) {
    return fail(Errc::changed, "firewall table \"{}\" came into being meanwhile", kTableName);
  }
  return describe(refusals);
}

Result<void> remove(Session& session) {
  Messages batch;
  put_batch_begin(batch, std::nullopt);
  put_delete_table(batch);
  put_batch_end(batch);
  const auto refusals = TRY(session.commit(batch));
  if (refusals.empty() || has_code(refusals, ENOENT)) return {};
  return describe(refusals);
}

bool takes_a_bridge(const Change& change) {
  return std::ranges::any_of(
      change.remove, [](const Element& element) { return element.set == SetName::bridges; });
}

bool takes_all_bridges(const Change& change, const std::vector<Element>& bridges) {
  return std::ranges::all_of(bridges, [&](const Element& bridge) {
    return std::ranges::any_of(
        change.remove, [&](const Element& leaving) { return has_same_key(bridge, leaving); });
  });
}

// Removes the table while no bridge is in it but those that `change` takes. Others may come between
// the look at the bridges and the end of the table: the batch is bound to the generation that was
// looked at. Whether the table has gone.
Result<bool> remove_unless_used(Session& session, const Change& change) {
  for (int attempt = 0; attempt < kMostAttempts; ++attempt) {
    const auto found = TRY(session.look_up({}));
    if (!takes_all_bridges(change, TRY(session.read_set(SetName::bridges)))) return false;
    Messages batch;
    put_batch_begin(batch, found.generation);
    put_delete_table(batch);
    put_batch_end(batch);
    const auto refusals = TRY(session.commit(batch));
    if (refusals.empty() || has_code(refusals, ENOENT)) return true;
    if (!is_overtaken(refusals)) return describe(refusals);
  }
  return fail(Errc::changed, "the firewall kept changing, {} attempts were overtaken",
              kMostAttempts);
}

// Two commands that take the last bridges of two run directories see each other's: the one whose
// change comes last finds none any more.
Result<void> keep_while_used(Session& session, const Change& change) {
  TRY_VOID(keep(session, change));
  if (takes_a_bridge(change)) TRY(remove_unless_used(session, {}));
  return {};
}

Result<void> remove_if_last(Session& session, const Change& change) {
  if (TRY(remove_unless_used(session, change))) return {};
  return keep_while_used(session, change);
}

// What a renewed table gets: the elements of `change`, and those that stand for owners which the
// change does not name. Another engine's networks are on another engine's records.
Result<std::vector<Element>> renewed_elements(Session& session, std::span<const KernelSet> sets,
                                              const Change& change) {
  auto named = TRY(without_conflicts(change.add));
  std::set<std::string_view> owners;
  for (const auto* elements : {&change.add, &change.remove}) {
    for (const auto& element : *elements) owners.insert(element.owner);
  }
  std::map<std::string, std::vector<Element>> others;
  for (const auto& shape : all_shapes()) {
    const auto there = std::ranges::find(sets, shape.name, &KernelSet::name);
    // What another release had in a set of another kind cannot be read.
    if (shape.filled_by != FilledBy::commands || there == sets.end() || !there->is_current)
      continue;
    for (auto& element : TRY(session.read_set(shape.set))) {
      if (!owners.contains(element.owner)) others[element.owner].push_back(std::move(element));
    }
  }
  // They stood together; only with what is named can they be at odds.
  auto all = named;
  for (auto& [owner, elements] : others) {
    auto both = named;
    both.insert(both.end(), elements.begin(), elements.end());
    if (auto result = without_conflicts(both); !result) {
      log::warn("firewall", "the table is renewed without {}: {}", describe_owner(owner),
                result.error().message);
      continue;
    }
    std::ranges::move(elements, std::back_inserter(all));
  }
  return all;
}

// Renews everything that is ours inside the table and leaves what the administrator made: the rules
// of chain `admin`, and chains and sets of other names.
Result<void> replace(Session& session, const Change& change) {
  for (int attempt = 0; attempt < kMostAttempts; ++attempt) {
    const auto found = TRY(session.look_up({}));
    const auto chains = TRY(session.chains());
    const auto sets = TRY(session.sets());
    const auto add = TRY(renewed_elements(session, sets, change));
    const auto has_chain = [&](std::string_view name) {
      return std::ranges::find(chains, name) != chains.end();
    };
    Messages batch;
    put_batch_begin(batch, found.generation);
    if (chains.empty() && sets.empty()) put_delete_table(batch);
    const auto is_renewed = [&](const Chain& chain) {
      return chain.name != kAdminChain && has_chain(chain.name);
    };
    for (const auto& chain : all_chains()) {
      if (is_renewed(chain)) put_flush_chain(batch, chain.name);
    }
    for (const auto& chain : all_chains()) {
      if (is_renewed(chain)) put_delete_chain(batch, chain.name);
    }
    if (chains.empty() && sets.empty()) put_new_table(batch);
    for (const auto& chain : all_chains()) {
      if (chain.name != kAdminChain || !has_chain(kAdminChain)) put_new_chain(batch, chain);
    }
    for (const auto& shape : all_shapes()) {
      const auto there = std::ranges::find(sets, shape.name, &KernelSet::name);
      if (there != sets.end() && there->is_current) {
        // What answers opened is on no record to come back from.
        if (shape.filled_by != FilledBy::answers) put_flush_set(batch, shape.name);
        continue;
      }
      if (there != sets.end()) put_delete_set(batch, shape.name);
      put_new_set(batch, shape);
    }
    for_each_set(add, [&](auto run) { put_add_elements(batch, run); });
    put_all_rules(batch);
    put_batch_end(batch);
    const auto refusals = TRY(session.commit(batch));
    if (refusals.empty()) return {};
    if (is_overtaken(refusals)) continue;
    if (has_code(refusals, ENOENT)) {
      return fail(Errc::changed, "firewall table \"{}\" went away", kTableName);
    }
    if (has_code(refusals, EBUSY)) {
      return fail(Errc::unsupported,
                  "rules of yours in firewall table \"{}\" use a chain or set that must be renewed",
                  kTableName);
    }
    return describe(refusals);
  }
  return fail(Errc::changed, "the firewall kept changing, {} attempts were overtaken",
              kMostAttempts);
}

}  // namespace

Nftables::Nftables(std::unique_ptr<NetfilterSocket> socket) : socket_(std::move(socket)) {}
Nftables::Nftables(Nftables&&) noexcept = default;
Nftables& Nftables::operator=(Nftables&&) noexcept = default;
Nftables::~Nftables() = default;

Result<Nftables> Nftables::open() {
  return Nftables{std::make_unique<NetfilterSocket>(TRY(NetfilterSocket::open()))};
}

Result<TableState> Nftables::observe() {
  // A chain that has rules is there, and so is a set that they use: rules tell of all.
  const auto rules = TRY(Session{*socket_}.rules());
  if (!rules.empty()) return assess(rules);
  Messages messages;
  put_get_table(messages);
  const auto refusals =
      TRY(socket_->request(messages, [](const nlmsghdr&) -> Result<void> { return {}; }));
  if (refusals.empty()) return assess(rules);
  if (has_code(refusals, ENOENT)) return TableState::missing;
  return system_failure(refusals.front().code, "read the firewall table");
}

Result<void> Nftables::apply(const Change& change) {
  Session session{*socket_};
  switch (change.table) {
    case Change::Table::keep:
      return keep_while_used(session, change);
    case Change::Table::mend:
      return keep(session, change, Structure::mended);
    case Change::Table::create:
      return create(session, change);
    case Change::Table::remove:
      return remove(session);
    case Change::Table::remove_if_last:
      return remove_if_last(session, change);
    case Change::Table::replace:
      return replace(session, change);
  }
  return fail(Errc::invalid_input, "unknown change of the firewall table");
}

Result<void> Nftables::check(const Change& change) {
  Session session{*socket_};
  auto wanted = change;
  wanted.add = TRY(without_conflicts(change.add));
  TRY(Reconciliation{session, wanted}.run());
  return {};
}

Result<std::vector<Element>> Nftables::elements() {
  Session session{*socket_};
  std::vector<Element> elements;
  for (const auto& shape : all_shapes()) {
    if (shape.filled_by != FilledBy::commands) continue;
    auto own = TRY(session.read_set(shape.set));
    std::ranges::move(own, std::back_inserter(elements));
  }
  std::ranges::sort(elements);
  return elements;
}

Result<void> Nftables::end_admissions() {
  Session session{*socket_};
  Messages batch;
  put_batch_begin(batch, std::nullopt);
  for (const auto& shape : all_shapes()) {
    if (shape.filled_by == FilledBy::packets) put_flush_set(batch, shape.name);
  }
  put_batch_end(batch);
  const auto refusals = TRY(session.commit(batch));
  if (refusals.empty() || has_code(refusals, ENOENT)) return {};
  return describe(refusals);
}

Result<std::vector<LinkName>> Nftables::bridges() {
  Session session{*socket_};
  std::vector<LinkName> names;
  for (const auto& element : TRY(session.read_set(SetName::bridges))) {
    names.push_back(std::get<LinkName>(element.key.front()));
  }
  return names;
}

Result<std::vector<Element>> Nftables::standing(std::span<const Element> elements) {
  Session session{*socket_};
  const auto found = TRY(session.look_up(elements));
  std::vector<Element> standing;
  for (size_t i = 0; i < elements.size(); ++i) {
    if (found.elements[i] == elements[i]) standing.push_back(elements[i]);
  }
  return standing;
}

Result<std::vector<std::optional<std::string>>> Nftables::owners(
    std::span<const Element> elements) {
  Session session{*socket_};
  const auto found = TRY(session.look_up(elements));
  std::vector<std::optional<std::string>> owners;
  owners.reserve(elements.size());
  for (size_t i = 0; i < elements.size(); ++i) {
    const auto& there = found.elements[i];
    const bool is_it = there && has_same_key(*there, elements[i]);
    owners.push_back(is_it ? std::optional{there->owner} : std::nullopt);
  }
  return owners;
}

}  // namespace burrow::firewall
