// Keeps the leases of one interface: gets them, puts them on the link, renews them, takes them off
// when they end, and has them on record all the time.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "dhcp/agent.h"
#include "dhcp/alarm.h"
#include "dhcp/store.h"
#include "host/event_loop.h"

namespace burrow::dhcp {

/// What all keepers share; outlives them.
struct Premises {
  host::EventLoop& loop;
  AlarmClock& clock;
  const Store& store;
  std::function<uint64_t()> random;
};

class Keeper {
 public:
  using Outcome = Result<std::vector<Lease>>;

  Keeper(const Premises& premises, LeaseRequest request);
  ~Keeper();
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;

  /// Gets all leases and puts them on the link; `on_outcome` is called once, within `patience`, and
  /// may be called before this returns. After a failure nothing is left of it, and the keeper is of
  /// no more use. Errors: not_found for the namespace or link, timeout with why.
  void acquire(seconds patience, std::function<void(Outcome)> on_outcome);
  /// Goes on from a record. Errors: not_found when its namespace or link has gone.
  Result<void> resume(const LeaseRecord& record);
  /// From now on a restarted proxy keeps the leases, too.
  Result<void> commit();
  /// Takes the leases off the link, gives them back and forgets them. Whether there were any.
  bool release();
  /// Whether the namespace is no longer there. Whoever asks drops the keeper then.
  [[nodiscard]] bool is_homeless() const;
  /// Forgets what nobody can use any more.
  void drop();

  [[nodiscard]] const LeaseRequest& request() const { return record_.request; }
  [[nodiscard]] bool is_acquiring() const { return on_outcome_ != nullptr; }
  [[nodiscard]] std::vector<LeaseStatus> statuses() const;

 private:
  struct Side {
    std::unique_ptr<Agent> agent;
    std::optional<Held> held;
  };

  Result<Footing*> footing();
  void make_sides();
  void on_granted(Family family, const Held& held);
  void on_withdrawn(Family family, const Lease& lease, const std::string& reason);
  void on_settled();
  void on_deadline();
  void conclude(Outcome outcome);
  Result<void> put_all_on_link();
  void take_all_off_link();
  void save();
  [[nodiscard]] std::string name() const;

  Premises premises_;
  LeaseRecord record_;
  std::optional<Footing> footing_;
  std::map<Family, Side> sides_;
  Alarm deadline_;
  seconds patience_{};
  std::function<void(Outcome)> on_outcome_;
  bool is_on_link_ = false;
};

}  // namespace burrow::dhcp
