#include "dhcp/client4.h"

#include <algorithm>

namespace burrow::dhcp {
namespace {

const IpAddress kNobody = IpAddress::v4(0);

bool is_forever(const Lease& lease) { return lease.times.valid == kForever; }

}  // namespace

Client4::Client4(Identity4 identity, uint64_t seed, Pace pace)
    : identity_(std::move(identity)), pace_(pace), chance_(seed) {}

Actions4 Client4::start(Instant now) {
  Actions4 actions;
  tries_ = refusals_ = conflicts_ = 0;
  discover(now, actions);
  return actions;
}

Actions4 Client4::resume(const Lease& lease, Instant since, Instant now) {
  Actions4 actions;
  lease_ = lease;
  since_ = since;
  state_ = State::bound;
  wake_at_ = is_forever(lease) ? std::nullopt : std::optional<Instant>{since + lease.times.renew};
  advance(now, actions);
  return actions;
}

Actions4 Client4::on_time(Instant now) {
  Actions4 actions;
  advance(now, actions);
  return actions;
}

// Whatever is due. The end of the lease comes before all else: a machine that slept through it must
// not ask for a renewal.
void Client4::advance(Instant now, Actions4& actions) {
  if (!wake_at_ || now < *wake_at_) return;
  if (lease_ && !is_forever(*lease_) && now >= since_ + lease_->times.valid) {
    withdraw("the lease has expired", actions);
    discover(now, actions);
    return;
  }
  switch (state_) {
    case State::idle:
      wake_at_.reset();
      return;
    case State::waiting:
    case State::selecting:
      discover(now, actions);
      return;
    case State::requesting:
      if (tries_ >= pace_.requests) {
        trouble_ = fmt::format("server {} offers {} and does not grant it",
                               chosen_->server->to_string(), chosen_->address.address.to_string());
        tries_ = 0;
        discover(now, actions);
        return;
      }
      request(now, actions);
      return;
    case State::probing:
      probe(now, actions);
      return;
    case State::bound:
    case State::renewing:
    case State::rebinding:
      renew(now, actions);
      return;
  }
}

Request4 Client4::message(Type4 type, Instant now) const {
  const auto asking = std::chrono::duration_cast<seconds>(now - asking_since_).count();
  return {.type = type,
          .transaction = transaction_,
          .seconds_asking = static_cast<uint16_t>(std::clamp<int64_t>(asking, 0, UINT16_MAX))};
}

void Client4::discover(Instant now, Actions4& actions) {
  if (state_ != State::selecting) {
    state_ = State::selecting;
    asking_since_ = now;
    tries_ = 0;
    transaction_ = chance_.number();
    chosen_.reset();
  }
  ++tries_;
  wake_at_ = now + chance_.around(back_off(pace_, tries_));
  actions.emplace_back(Broadcast{encode(message(Type4::discover, now), identity_), kNobody});
}

void Client4::request(Instant now, Actions4& actions) {
  ++tries_;
  sent_at_ = now;
  wake_at_ = now + chance_.around(back_off(pace_, tries_));
  auto request = message(Type4::request, now);
  request.wish = chosen_->address.address;
  request.server = chosen_->server;
  actions.emplace_back(Broadcast{encode(request, identity_), kNobody});
}

// After the last probe comes silence, after that the address is ours.
void Client4::probe(Instant now, Actions4& actions) {
  if (tries_ >= pace_.probes) {
    bind(*chosen_, sent_at_, now, actions);
    return;
  }
  ++tries_;
  wake_at_ = now + (tries_ < pace_.probes ? pace_.probe_interval : pace_.silence);
  actions.emplace_back(Probe{chosen_->address.address});
}

void Client4::bind(Lease lease, Instant since, Instant /*now*/, Actions4& actions) {
  state_ = State::bound;
  lease_ = std::move(lease);
  since_ = since;
  chosen_.reset();
  tries_ = refusals_ = conflicts_ = 0;
  trouble_.clear();
  wake_at_ =
      is_forever(*lease_) ? std::nullopt : std::optional<Instant>{since + lease_->times.renew};
  actions.emplace_back(Granted{*lease_, since_});
}

// RFC 2131 section 4.4.5.
void Client4::renew(Instant now, Actions4& actions) {
  const auto rebind_at = since_ + lease_->times.rebind;
  const auto end = since_ + lease_->times.valid;
  const auto stage = now < rebind_at ? State::renewing : State::rebinding;
  if (state_ != stage) {
    if (state_ == State::bound) asking_since_ = now;
    state_ = stage;
    transaction_ = chance_.number();
  }
  sent_at_ = now;
  auto request = message(Type4::request, now);
  request.own_address = lease_->address.address;
  auto payload = encode(request, identity_);
  if (stage == State::renewing) {
    const auto wait = renewal_wait(pace_, since_ + lease_->times.renew, now, rebind_at);
    wake_at_ = std::min(now + wait, rebind_at);
    actions.emplace_back(Unicast{std::move(payload), lease_->address.address, *lease_->server});
  } else {
    wake_at_ = std::min(now + renewal_wait(pace_, rebind_at, now, end), end);
    actions.emplace_back(Broadcast{std::move(payload), lease_->address.address});
  }
}

void Client4::withdraw(std::string reason, Actions4& actions) {
  if (!lease_) return;
  actions.emplace_back(Withdrawn{*std::move(lease_), std::move(reason)});
  lease_.reset();
}

void Client4::begin_anew(milliseconds after, Instant now) {
  state_ = State::waiting;
  chosen_.reset();
  wake_at_ = now + after;
}

Actions4 Client4::on_payload(Bytes payload, Instant now) {
  Actions4 actions;
  advance(now, actions);
  if (!is_listening()) return actions;
  const auto reply = decode_reply4(payload);
  if (!reply) {
    if (!lease_) trouble_ = "an answer makes no sense: " + reply.error().message;
    return actions;
  }
  if (reply->mac != identity_.mac || reply->transaction != transaction_) {
    ++others_;
    return actions;
  }
  switch (reply->type) {
    case Type4::offer:
      on_offer(*reply, now, actions);
      break;
    case Type4::ack:
      on_ack(*reply, now, actions);
      break;
    case Type4::nak:
      on_nak(*reply, now, actions);
      break;
    default:
      break;
  }
  return actions;
}

void Client4::on_offer(const Reply4& reply, Instant now, Actions4& actions) {
  if (state_ != State::selecting) return;
  auto lease = lease_of(reply);
  if (!lease) {
    trouble_ = "an offer cannot be used: " + lease.error().message;
    return;
  }
  chosen_ = *std::move(lease);
  state_ = State::requesting;
  tries_ = 0;
  request(now, actions);
}

bool Client4::is_from_ours(const Reply4& reply) const {
  switch (state_) {
    case State::requesting:
      return reply.server == chosen_->server;
    case State::renewing:
      return reply.server == lease_->server;
    case State::rebinding:
      return true;
    default:
      return false;
  }
}

void Client4::on_ack(const Reply4& reply, Instant now, Actions4& actions) {
  if (!is_from_ours(reply)) return;
  auto granted = lease_of(reply);
  if (!granted) {
    trouble_ = "a lease cannot be used: " + granted.error().message;
    return;
  }
  if (lease_ && lease_->address.address == granted->address.address) {
    bind(*std::move(granted), sent_at_, now, actions);
    return;
  }
  withdraw("the server grants another address", actions);
  chosen_ = *std::move(granted);
  state_ = State::probing;
  tries_ = 0;
  probe(now, actions);
}

void Client4::on_nak(const Reply4& reply, Instant now, Actions4& actions) {
  if (!is_from_ours(reply)) return;
  const auto& refused = lease_ ? *lease_ : *chosen_;
  trouble_ = fmt::format(
      "server {} refuses {}{}{}", reply.server ? reply.server->to_string() : "without identifier",
      refused.address.address.to_string(), reply.message.empty() ? "" : ": ", reply.message);
  ++refusals_;
  if (lease_) {
    withdraw(trouble_, actions);
    discover(now, actions);
    return;
  }
  // A server that offers what it refuses must not have us run in circles.
  begin_anew(chance_.around(back_off(pace_, refusals_)), now);
}

Actions4 Client4::on_claim(const IpAddress& address, const MacAddress& owner, Instant now) {
  Actions4 actions;
  advance(now, actions);
  if (state_ != State::probing || address != chosen_->address.address || owner == identity_.mac) {
    return actions;
  }
  trouble_ = fmt::format("address {} is in use by {}", address.to_string(), owner.to_string());
  auto decline = message(Type4::decline, now);
  decline.transaction = chance_.number();
  decline.wish = address;
  decline.server = chosen_->server;
  actions.emplace_back(Broadcast{encode(decline, identity_), kNobody});
  begin_anew(conflicts_++ == 0 ? milliseconds{0} : pace_.after_decline, now);
  return actions;
}

Actions4 Client4::release(Instant now) {
  Actions4 actions;
  // One that is still being probed was granted, too.
  const auto held = lease_ ? lease_ : state_ == State::probing ? chosen_ : std::nullopt;
  if (held) {
    transaction_ = chance_.number();
    auto release = message(Type4::release, now);
    release.seconds_asking = 0;
    release.own_address = held->address.address;
    release.server = held->server;
    actions.emplace_back(
        GiveBack{encode(release, identity_), held->address.address, *held->server});
  }
  lease_.reset();
  chosen_.reset();
  wake_at_.reset();
  state_ = State::idle;
  return actions;
}

std::string Client4::trouble() const {
  if (!trouble_.empty()) return trouble_;
  if (others_ > 0) return fmt::format("no answer, but {} for other clients", others_);
  return "no DHCP server answers";
}

std::string_view to_string(Client4::State state) {
  switch (state) {
    case Client4::State::idle:
      return "idle";
    case Client4::State::waiting:
      return "waiting";
    case Client4::State::selecting:
      return "selecting";
    case Client4::State::requesting:
      return "requesting";
    case Client4::State::probing:
      return "probing";
    case Client4::State::bound:
      return "bound";
    case Client4::State::renewing:
      return "renewing";
    case Client4::State::rebinding:
      return "rebinding";
  }
  return "?";
}

}  // namespace burrow::dhcp
