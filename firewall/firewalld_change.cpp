#include "firewall/firewalld_change.h"

#include <algorithm>
#include <iterator>
#include <map>

#include "core/log.h"
#include "firewall/firewalld_turn.h"

namespace burrow::firewall {
namespace {

constexpr std::string_view kWholeLoopback = "127.0.0.0/8";

// One change, which knows what of it is done.
class Change {
 public:
  Change(const FirewalldChange& change, Firewalld& firewalld)
      : firewalld_(firewalld), add_(change.add), addresses_(change.host_addresses) {
    std::ranges::copy_if(change.remove, std::back_inserter(remove_), [&](const auto& entry) {
      return std::ranges::find(add_, entry) == add_.end();
    });
  }

  Result<void> carry_out() {
    auto done = add_and_remove();
    if (!done) take_back();
    return done;
  }

 private:
  Result<void> add_and_remove() {
    for (const auto& entry : add_) {
      if (entry.kind == FirewalldHolder::ipset) TRY_VOID(put(entry));
    }
    TRY_VOID(masquerade(add_));
    // Ways out of a container are open before ports lead to it, and closed after.
    for (const auto& entry : add_) {
      if (entry.kind == FirewalldHolder::zone) TRY_VOID(put(entry));
    }
    for (const auto& policy : policies()) TRY_VOID(change_rules(policy));
    TRY_VOID(count_host_addresses());
    for (const auto& entry : remove_) {
      if (entry.kind == FirewalldHolder::policy) continue;
      TRY_VOID(take(entry));
      taken_.push_back(entry);
    }
    return masquerade(remove_);
  }

  Result<void> put(const FirewalldEntry& entry) {
    if (entry.kind == FirewalldHolder::zone) {
      const auto link = TRY(LinkName::parse(entry.value));
      auto zone = TRY(firewalld_.zone_of(link));
      if (zone == entry.holder) return {};
      if (zone && *zone != kOwnZone && !is_driver_zone(*zone)) {
        // Set-ups have been refused before; this is somebody who moved it while containers ran.
        log::warn("firewall", "\"{}\" stays in zone \"{}\" of firewalld, where somebody has put it",
                  link, *zone);
        return {};
      }
      TRY_VOID(firewalld_.put_into(entry.holder, link));
      if (zone) zones_before_[entry.value] = *std::move(zone);
    } else {
      const auto before = TRY(entries_before(entry.holder));
      if (std::ranges::find(before, entry.value) != before.end()) return {};
      TRY_VOID(firewalld_.put_entry(entry.holder, entry.value));
    }
    added_.push_back(entry);
    return {};
  }

  Result<void> take(const FirewalldEntry& entry) {
    if (entry.kind == FirewalldHolder::ipset) {
      return firewalld_.take_entry(entry.holder, entry.value);
    }
    const auto link = TRY(LinkName::parse(entry.value));
    if (TRY(firewalld_.zone_of(link)) != entry.holder) return {};
    return firewalld_.take_out_of(entry.holder, link);
  }

  Result<void> put_into(const std::string& zone, const std::string& link) {
    return firewalld_.put_into(zone, TRY(LinkName::parse(link)));
  }

  // What an ipset had before this change.
  Result<std::vector<std::string>> entries_before(const std::string& ipset) {
    const auto known = entries_.find(ipset);
    if (known != entries_.end()) return known->second;
    return entries_[ipset] = TRY(firewalld_.entries_of(ipset));
  }

  [[nodiscard]] std::set<std::string> policies() const {
    std::set<std::string> names;
    for (const auto* entries : {&remove_, &add_}) {
      for (const auto& entry : *entries) {
        if (entry.kind == FirewalldHolder::policy) names.insert(entry.holder);
      }
    }
    return names;
  }

  [[nodiscard]] static bool is_among(const std::vector<FirewalldEntry>& entries,
                                     const std::string& policy, const std::string& rule) {
    return std::ranges::any_of(entries, [&](const FirewalldEntry& entry) {
      return entry.kind == FirewalldHolder::policy && entry.holder == policy && entry.value == rule;
    });
  }

  Result<void> change_rules(const std::string& policy) {
    auto before = firewalld_.rules_of(policy);
    const bool adds = std::ranges::any_of(
        add_, [&](const FirewalldEntry& entry) { return entry.holder == policy; });
    // With a policy that firewalld no longer has its rules have gone.
    if (!before && before.error().code == Errc::not_found && !adds) return {};
    if (!before) return Failure{std::move(before).error()};
    std::vector<std::string> after;
    std::ranges::copy_if(*before, std::back_inserter(after),
                         [&](const std::string& rule) { return !is_among(remove_, policy, rule); });
    for (const auto& entry : add_) {
      if (entry.kind != FirewalldHolder::policy || entry.holder != policy) continue;
      if (std::ranges::find(after, entry.value) == after.end()) after.push_back(entry.value);
    }
    if (after == *before) return {};
    changed_.emplace_back(policy, *std::move(before));
    return firewalld_.set_rules(policy, std::move(after));
  }

  // Rules that masquerade are there while there is somebody to be masqueraded, in a family that
  // `entries` are of: firewalld has the whole host forward for them.
  Result<void> masquerade(const std::vector<FirewalldEntry>& entries) {
    for (const auto family : {Family::ipv4, Family::ipv6}) {
      const auto ipsets = masqueraded_ipsets(family);
      const auto is_of_it = [&](const FirewalldEntry& entry) {
        return entry.kind == FirewalldHolder::ipset &&
               std::ranges::find(ipsets, entry.holder) != ipsets.end();
      };
      if (std::ranges::any_of(entries, is_of_it)) TRY_VOID(masquerade(family));
    }
    return {};
  }

  Result<void> masquerade(Family family) {
    const std::string policy{masquerading_policy()};
    auto before = firewalld_.rules_of(policy);
    if (!before && before.error().code == Errc::not_found) return {};
    if (!before) return Failure{std::move(before).error()};
    bool is_needed = false;
    for (const auto ipset : masqueraded_ipsets(family)) {
      is_needed |= !TRY(firewalld_.entries_of(std::string{ipset})).empty();
    }
    const auto own = masquerading_rules(family);
    std::vector<std::string> after;
    std::ranges::copy_if(*before, std::back_inserter(after), [&](const std::string& rule) {
      return std::ranges::find(own, rule) == own.end();
    });
    if (is_needed) after.insert(after.end(), own.begin(), own.end());
    if (std::ranges::is_permutation(after, *before)) return {};
    changed_.emplace_back(policy, *std::move(before));
    return firewalld_.set_rules(policy, std::move(after));
  }

  // They are in firewalld as long as some port is published on all of them.
  Result<void> count_host_addresses() {
    const std::string ports{changing_policies().front()};
    auto rules = firewalld_.rules_of(ports);
    if (!rules && rules.error().code == Errc::not_found) return {};
    if (!rules) return Failure{std::move(rules).error()};
    for (const auto family : {Family::ipv4, Family::ipv6}) {
      const bool is_needed = std::ranges::any_of(*rules, [&](const std::string& rule) {
        return leads_every_address({FirewalldHolder::policy, ports, rule}, family);
      });
      std::set<std::string> wanted;
      for (const auto& address : addresses_) {
        if (is_needed && address.family() == family) wanted.insert(address.to_string());
      }
      for (const auto& name : std::set<std::string>{std::string{host_ipset(family)},
                                                    std::string{local_ipset(family)}}) {
        TRY_VOID(fill(name, wanted));
      }
    }
    return {};
  }

  Result<void> fill(const std::string& ipset, const std::set<std::string>& wanted) {
    const auto there = TRY(firewalld_.entries_of(ipset));
    for (const auto& entry : there) {
      if (wanted.contains(entry) || entry == kWholeLoopback) continue;
      TRY_VOID(firewalld_.take_entry(ipset, entry));
    }
    for (const auto& entry : wanted) {
      if (std::ranges::find(there, entry) == there.end()) {
        TRY_VOID(firewalld_.put_entry(ipset, entry));
      }
    }
    return {};
  }

  // As far as firewalld still answers; what has gone with it is gone.
  void take_back() {
    const auto note = [](const Result<void>& result) {
      if (result || result.error().code == Errc::changed) return;
      log::error("firewall", "while taking back a change: {}", result.error().message);
    };
    for (auto change = changed_.rbegin(); change != changed_.rend(); ++change) {
      note(firewalld_.set_rules(change->first, change->second));
    }
    for (auto entry = added_.rbegin(); entry != added_.rend(); ++entry) {
      const auto zone = zones_before_.find(entry->value);
      const bool was_elsewhere =
          entry->kind == FirewalldHolder::zone && zone != zones_before_.end();
      note(was_elsewhere ? put_into(zone->second, entry->value) : take(*entry));
    }
    for (const auto& entry : taken_) {
      note(entry.kind == FirewalldHolder::zone ? put_into(entry.holder, entry.value)
                                               : firewalld_.put_entry(entry.holder, entry.value));
    }
    if (!changed_.empty()) note(count_host_addresses());
  }

  Firewalld& firewalld_;
  std::vector<FirewalldEntry> remove_;
  const std::vector<FirewalldEntry>& add_;
  const std::vector<IpAddress>& addresses_;
  std::map<std::string, std::vector<std::string>> entries_;
  std::vector<FirewalldEntry> added_;
  std::vector<FirewalldEntry> taken_;
  std::map<std::string, std::string> zones_before_;  // by link, of those that were moved
  std::vector<std::pair<std::string, std::vector<std::string>>> changed_;  // rules before
};

void note_unread(std::span<const std::string_view> wanted, const std::vector<std::string>& there,
                 std::vector<std::string>& unread) {
  for (const auto name : wanted) {
    if (std::ranges::find(there, name) == there.end()) unread.emplace_back(name);
  }
}

}  // namespace

Result<FirewalldContents> read_contents(Firewalld& firewalld, std::span<const LinkName> bridges) {
  FirewalldContents contents;
  note_unread(driver_zones(), TRY(firewalld.zones()), contents.unread);
  note_unread(driver_ipsets(), TRY(firewalld.ipsets()), contents.unread);
  note_unread(driver_policies(), TRY(firewalld.policies()), contents.unread);
  if (!contents.unread.empty()) return contents;
  for (const auto& bridge : bridges) {
    if (auto zone = TRY(firewalld.zone_of(bridge))) {
      contents.standing.insert({FirewalldHolder::zone, *std::move(zone), bridge.str()});
    }
  }
  for (const auto name : driver_ipsets()) {
    const std::string ipset{name};
    for (auto& entry : TRY(firewalld.entries_of(ipset))) {
      contents.standing.insert({FirewalldHolder::ipset, ipset, std::move(entry)});
    }
  }
  for (const auto name : changing_policies()) {
    const std::string policy{name};
    for (auto& rule : TRY(firewalld.rules_of(policy))) {
      contents.standing.insert({FirewalldHolder::policy, policy, std::move(rule)});
    }
  }
  return contents;
}

Result<void> carry_out(const FirewalldChange& change, Firewalld& firewalld) {
  const auto turn = TRY(FirewalldTurn::await());
  return Change{change, firewalld}.carry_out();
}

}  // namespace burrow::firewall
