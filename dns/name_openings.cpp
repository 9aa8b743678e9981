#include "dns/name_openings.h"

#include <algorithm>

#include "core/log.h"
#include "dns/answered_addresses.h"
#include "dns/zones.h"

namespace burrow::dns {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kWarningInterval{10};

std::string text_of(const ListOwner& owner) {
  if (const auto* address = std::get_if<IpAddress>(&owner)) return address->to_string();
  return std::get<LinkName>(owner).str();
}

}  // namespace

NameOpenings::Noted NameOpenings::note(const EgressLists& lists, Bytes reply) {
  const auto answered = read_addresses(reply);
  if (!answered) return Noted::nothing;
  const std::scoped_lock held{mutex_};
  const auto now = Clock::now();
  auto result = Noted::nothing;
  for (const auto& asked : lists) {
    for (const auto& owner : asked->owners) {
      const auto current = lists_.find(owner);
      if (current == lists_.end()) continue;
      for (const auto& list : current->second) {
        if (list->verdict != asked->verdict || !list->has(answered->name)) continue;
        for (const auto& [address, ttl] : answered->addresses) {
          const firewall::NamedPeer peer{list->verdict, owner, address};
          if (!firewall::is_storable(peer)) continue;
          const auto noted =
              ledger_.note(peer, now + opening_time(ttl), answered->name,
                           fmt::format("{}: {}", list->whose(), answered->name), now);
          if (noted == PeerLedger::Noted::to_write) result = Noted::to_commit;
          if (noted == PeerLedger::Noted::full) warn_of_full(owner, *list);
        }
        break;
      }
      // The next time that there is no room is worth a word again.
      if (!full_.empty() && ledger_.is_half_free(owner)) full_.erase(owner);
    }
  }
  return result;
}

void NameOpenings::commit() {
  const std::scoped_lock held{mutex_};
  const auto come = ledger_.take_unwritten(Clock::now());
  if (come.empty()) return;
  if (auto written = write({}, come); !written) {
    ledger_.mark_unwritten(come);
    warn_of_failure(written.error());
  }
}

void NameOpenings::follow(const Zones& zones) {
  const std::scoped_lock held{mutex_};
  lists_.clear();
  zones.for_each_list([&](const std::shared_ptr<const EgressList>& list) {
    for (const auto& owner : list->owners) lists_[owner].push_back(list);
  });
  std::erase_if(full_, [&](const ListOwner& owner) { return !lists_.contains(owner); });
  const auto gone = ledger_.forget_unlisted(
      [&](const auto& peer, std::string_view name) { return is_listed(peer, name); }, Clock::now());
  if (gone.empty()) return;
  if (auto written = write(gone, {}); !written) warn_of_failure(written.error());
}

Result<size_t> NameOpenings::renew() {
  const std::scoped_lock held{mutex_};
  const auto come = ledger_.take_all(Clock::now());
  if (come.empty()) return size_t{0};
  if (auto written = write({}, come); !written) {
    ledger_.mark_unwritten(come);
    return Failure{std::move(written).error()};
  }
  return come.size();
}

Result<void> NameOpenings::write(std::span<const firewall::NamedPeer> gone,
                                 const std::vector<firewall::TimedPeer>& come) {
  if (!peers_) peers_ = TRY(firewall::NamedPeers::open());
  auto changed = peers_->change(gone, come);
  // What answers were lost would be taken for those of the next change.
  if (!changed) peers_.reset();
  return changed;
}

bool NameOpenings::is_listed(const firewall::NamedPeer& peer, std::string_view name) const {
  const auto found = lists_.find(peer.owner);
  return found != lists_.end() && std::ranges::any_of(found->second, [&](const auto& list) {
           return list->verdict == peer.verdict && list->has(name);
         });
}

void NameOpenings::warn_of_full(const ListOwner& owner, const EgressList& list) {
  if (!full_.insert(owner).second) return;
  const bool is_allowed = list.verdict == firewall::PeerVerdict::allow;
  log::warn("dns",
            "names of {} ({}) stand for more addresses than are kept in the firewall: the rest is "
            "{}",
            list.whose(), text_of(owner), is_allowed ? "not opened" : "not denied, and stays open");
}

// Every answer of a container may come here.
void NameOpenings::warn_of_failure(const Error& error) {
  const auto now = Clock::now();
  if (now < next_warning_) return;
  next_warning_ = now + kWarningInterval;
  log::warn("dns", "{}", error.message);
}

}  // namespace burrow::dns
