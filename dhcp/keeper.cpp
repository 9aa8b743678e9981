#include "dhcp/keeper.h"

#include <algorithm>

#include "core/log.h"
#include "dhcp/agent4.h"
#include "dhcp/agent6.h"
#include "dhcp/link_lease.h"

namespace burrow::dhcp {
namespace {

std::string_view word_of(Family family) { return family == Family::ipv4 ? "IPv4" : "IPv6"; }

// What both families know a container by: RFC 4361 wants it to be the same.
std::string seed_of(const LeaseRequest& request) {
  return fmt::format("{} {}", request.holder.container, request.network);
}

Identity6 identity6_of(const LeaseRequest& request) {
  return {.duid = derived_duid(seed_of(request)), .iaid = derived_iaid(seed_of(request))};
}

Identity4 identity4_of(const LeaseRequest& request, const MacAddress& mac) {
  Identity4 identity{.mac = mac, .hostname = request.hostname};
  if (request.client_id) {
    identity.client_id.push_back(0);  // RFC 2132 section 9.14: not a hardware address
    put_text(identity.client_id, *request.client_id);
  } else {
    identity.client_id = derived_client_id(seed_of(request));
  }
  return identity;
}

}  // namespace

Keeper::Keeper(const Premises& premises, LeaseRequest request)
    : premises_(premises),
      record_{.request = std::move(request)},
      deadline_(premises.clock, [this] { on_deadline(); }) {}

Keeper::~Keeper() = default;

std::string Keeper::name() const {
  return fmt::format("\"{}\" of container {}", request().holder.interface,
                     request().holder.container.str().substr(0, 12));
}

Result<Footing*> Keeper::footing() {
  if (!footing_) {
    footing_ =
        TRY(Footing::take(request().netns, record_.netns, request().holder.interface, record_.mac));
  }
  return &*footing_;
}

void Keeper::make_sides() {
  for (const auto family : request().families) {
    AgentPorts ports{.footing = [this] { return footing(); },
                     .on_granted = [this, family](const Held& held) { on_granted(family, held); },
                     .on_withdrawn =
                         [this, family](const Lease& lease, const std::string& reason) {
                           on_withdrawn(family, lease, reason);
                         },
                     .on_settled = [this] { on_settled(); }};
    auto& agent = sides_[family].agent;
    if (family == Family::ipv4) {
      agent = std::make_unique<Agent4>(premises_.loop, premises_.clock,
                                       identity4_of(request(), record_.mac), premises_.random(),
                                       std::move(ports));
    } else {
      agent = std::make_unique<Agent6>(premises_.loop, premises_.clock, identity6_of(request()),
                                       premises_.random(), std::move(ports));
    }
  }
}

void Keeper::acquire(seconds patience, std::function<void(Outcome)> on_outcome) {
  on_outcome_ = std::move(on_outcome);
  patience_ = patience;
  auto taken = Footing::take(request().netns, {}, request().holder.interface, request().mac);
  if (!taken) return conclude(Failure{std::move(taken).error()});
  if (!taken->link.is_up) {
    return conclude(fail(Errc::invalid_input, "link {} is down: no server can be asked", name()));
  }
  auto identity = identify_netns(request().netns);
  if (!identity) return conclude(Failure{std::move(identity).error()});
  footing_ = *std::move(taken);
  record_.netns = *identity;
  record_.mac = footing_->link.mac;
  make_sides();
  deadline_.set(BootClock::now() + patience);
  for (auto& [family, side] : sides_) side.agent->start();
}

Result<void> Keeper::resume(const LeaseRecord& record) {
  record_ = record;
  TRY(footing());
  is_on_link_ = true;
  make_sides();
  for (auto& [family, side] : sides_) {
    side.held = record.held(family);
    if (side.held) {
      side.agent->resume(*side.held);
    } else {
      side.agent->start();
    }
  }
  return {};
}

Result<void> Keeper::commit() {
  record_.commitment = Commitment::committed;
  return premises_.store.save(record_);
}

void Keeper::on_granted(Family family, const Held& held) {
  auto& side = sides_.at(family);
  const auto before = std::exchange(side.held, held);
  (family == Family::ipv4 ? record_.ipv4 : record_.ipv6) = held;
  if (!is_on_link_) return;  // the first: concluded when all are there
  log::info("dhcp", "{}: {} for {} s", name(), held.lease.address.to_string(),
            held.lease.times.valid.count());
  save();
  auto inside = footing();
  if (!inside) {
    log::warn("dhcp", "{}", inside.error().message);
  } else if (before) {
    renew_on_link(**inside, request(), before->lease, held.lease, held.since);
  } else if (const auto put = put_on_link(**inside, request(), held.lease, held.since); !put) {
    log::warn("dhcp", "{}: {}", name(), put.error().message);
  }
}

void Keeper::on_withdrawn(Family family, const Lease& lease, const std::string& reason) {
  sides_.at(family).held.reset();
  (family == Family::ipv4 ? record_.ipv4 : record_.ipv6).reset();
  log::warn("dhcp", "{} loses {}: {}", name(), lease.address.to_string(), reason);
  save();
  if (!is_on_link_) return;
  if (auto inside = footing()) take_off_link(**inside, request(), lease);
}

void Keeper::on_settled() {
  bool has_all = true;
  bool is_listening = false;
  for (const auto& [family, side] : sides_) {
    has_all &= side.held.has_value();
    is_listening |= side.agent != nullptr && side.agent->is_listening();
  }
  if (is_acquiring() && has_all) {
    auto put = put_all_on_link();
    if (put) put = premises_.store.save(record_);
    if (!put) return conclude(Failure{std::move(put).error()});
    std::vector<Lease> leases;
    for (const auto family : request().families) leases.push_back(sides_.at(family).held->lease);
    conclude(std::move(leases));
  }
  // What is open would keep the namespace alive.
  if (!is_listening) footing_.reset();
}

Result<void> Keeper::put_all_on_link() {
  auto* inside = TRY(footing());
  is_on_link_ = true;
  for (const auto family : request().families) {
    const auto& held = *sides_.at(family).held;
    TRY_VOID(put_on_link(*inside, request(), held.lease, held.since));
    log::info("dhcp", "{}: {} for {} s{}", name(), held.lease.address.to_string(),
              held.lease.times.valid.count(),
              held.lease.server ? " from " + held.lease.server->to_string() : "");
  }
  return {};
}

void Keeper::on_deadline() {
  std::string reasons;
  for (const auto family : request().families) {
    const auto& side = sides_.at(family);
    if (side.held) continue;
    reasons += fmt::format("{}{}: {}", reasons.empty() ? "" : "; ", word_of(family),
                           side.agent->trouble());
  }
  conclude(
      fail(Errc::timeout, "no lease for {} within {} s: {}", name(), patience_.count(), reasons));
}

void Keeper::conclude(Outcome outcome) {
  deadline_.set({});
  const auto on_outcome = std::exchange(on_outcome_, nullptr);
  if (!outcome) release();
  if (on_outcome) on_outcome(std::move(outcome));
}

bool Keeper::release() {
  bool had_lease = false;
  for (auto& [family, side] : sides_) {
    // The server first: its word needs the link, not the address.
    side.agent->release();
    had_lease |= side.held.has_value();
  }
  if (had_lease && is_on_link_) take_all_off_link();
  if (had_lease) log::info("dhcp", "{}: given back", name());
  drop();
  if (const auto on_outcome = std::exchange(on_outcome_, nullptr)) {
    on_outcome(fail(Errc::changed, "the set-up of {} was ended by somebody else", name()));
  }
  return had_lease;
}

void Keeper::drop() {
  deadline_.set({});
  for (auto& [family, side] : sides_) side.held.reset();
  footing_.reset();
  if (const auto removed = premises_.store.remove(request().holder); !removed) {
    log::error("dhcp", "{}", removed.error().message);
  }
}

// Also off a link whose MAC address somebody has changed: the lease on it is ours.
void Keeper::take_all_off_link() {
  auto inside = Footing::take(request().netns, record_.netns, request().holder.interface, {});
  if (!inside) return;
  for (const auto& [family, side] : sides_) {
    if (side.held) take_off_link(*inside, request(), side.held->lease);
  }
}

bool Keeper::is_homeless() const {
  const auto now = identify_netns(request().netns);
  return !now || *now != record_.netns;
}

void Keeper::save() {
  if (!is_on_link_) return;
  if (const auto saved = premises_.store.save(record_); !saved) {
    log::error("dhcp", "{}", saved.error().message);
  }
}

std::vector<LeaseStatus> Keeper::statuses() const {
  std::vector<LeaseStatus> result;
  for (const auto& [family, side] : sides_) {
    LeaseStatus status{.holder = request().holder,
                       .network = request().network,
                       .netns = request().netns,
                       .state = side.agent->state()};
    if (side.held) {
      status.lease = side.held->lease;
      if (side.held->lease.times.valid != kForever) {
        const auto left = side.held->since + side.held->lease.times.valid - BootClock::now();
        status.left = std::max(seconds{0}, std::chrono::floor<seconds>(left));
      }
    }
    result.push_back(std::move(status));
  }
  return result;
}

}  // namespace burrow::dhcp
