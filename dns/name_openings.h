// Opens what names in lists of egress stand for, before the answer that says so leaves. The only
// place of this folder that writes to the firewall. Never in the way of an answer: what the
// firewall refuses is logged, and the answer leaves.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <span>

#include "dns/egress_list.h"
#include "dns/peer_ledger.h"
#include "dns/wire.h"
#include "firewall/named_peers.h"

namespace burrow::dns {

class Zones;

/// One for all threads: owners are shared among them, such as a network's bridge. Each call holds
/// it for as long as it takes; clients without lists never come here.
class NameOpenings {
 public:
  NameOpenings() = default;
  NameOpenings(const NameOpenings&) = delete;
  NameOpenings& operator=(const NameOpenings&) = delete;
  ~NameOpenings() = default;

  /// Whether an answer has to wait for commit().
  enum class Noted : uint8_t { nothing, to_commit };
  /// Notes what `reply` opens, or closes, for the owners of `lists`. Lists that have changed
  /// meanwhile count as they are now.
  Noted note(const EgressLists& lists, Bytes reply);
  /// Writes what was noted, in one transaction.
  void commit();

  /// The lists are now those of `zones`; what none of them has any more is taken out.
  void follow(const Zones& zones);
  /// Writes all that is to stand, since the firewall lost it. Returns how many addresses. Errors:
  /// as of NamedPeers::change.
  Result<size_t> renew();

 private:
  Result<void> write(std::span<const firewall::NamedPeer> gone,
                     const std::vector<firewall::TimedPeer>& come);
  [[nodiscard]] bool is_listed(const firewall::NamedPeer& peer, std::string_view name) const;
  void warn_of_full(const ListOwner& owner, const EgressList& list);
  void warn_of_failure(const Error& error);

  std::mutex mutex_;
  PeerLedger ledger_;
  std::map<ListOwner, EgressLists> lists_;
  std::optional<firewall::NamedPeers> peers_;  ///< opened when there is something to write
  std::set<ListOwner> full_;                   ///< of whom that was said, while it holds
  std::chrono::steady_clock::time_point next_warning_;
};

}  // namespace burrow::dns
