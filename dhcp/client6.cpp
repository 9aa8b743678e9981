#include "dhcp/client6.h"

namespace burrow::dhcp {
namespace {

constexpr uint8_t kHighestPreference = 255;

}  // namespace

Client6::Client6(Identity6 identity, uint64_t seed, Pace pace)
    : identity_(std::move(identity)), pace_(pace), chance_(seed) {}

Actions6 Client6::start(Instant now) {
  Actions6 actions;
  refusals_ = 0;
  solicit(now, actions);
  return actions;
}

Actions6 Client6::resume(const Lease& lease, Buffer server_duid, Instant since, Instant now) {
  Actions6 actions;
  lease_ = lease;
  server_duid_ = std::move(server_duid);
  since_ = since;
  state_ = State::bound;
  if (end()) wake_at_ = since + lease.times.renew;
  advance(now, actions);
  return actions;
}

Actions6 Client6::on_time(Instant now) {
  Actions6 actions;
  advance(now, actions);
  return actions;
}

std::optional<Instant> Client6::end() const {
  if (!lease_ || lease_->times.valid == kForever) return std::nullopt;
  return since_ + lease_->times.valid;
}

// The end of a lease that we still have is never slept through.
void Client6::wake_in(milliseconds wait, Instant now) {
  wake_at_ = now + wait;
  if (const auto end = this->end()) wake_at_ = std::min(*wake_at_, *end);
}

void Client6::advance(Instant now, Actions6& actions) {
  if (!wake_at_ || now < *wake_at_) return;
  if (const auto end = this->end(); end && now >= *end) {
    withdraw("the lease has expired", actions);
    state_ = State::waiting;
  }
  switch (state_) {
    case State::idle:
      wake_at_.reset();
      return;
    case State::waiting:
      solicit(now, actions);
      return;
    case State::soliciting:
      if (best_) {
        server_duid_ = best_->server_duid;
        request(now, actions);
      } else {
        solicit(now, actions);
      }
      return;
    case State::requesting:
      if (tries_ >= pace_.requests) {
        trouble_ = "a server advertises an address and does not grant it";
        begin_anew(now);
        advance(now, actions);
        return;
      }
      request(now, actions);
      return;
    case State::bound:
    case State::renewing:
    case State::rebinding:
      renew(now, actions);
      return;
  }
}

void Client6::enter(State state, Instant now) {
  if (state == state_) return;
  state_ = state;
  asking_since_ = now;
  transaction_ = chance_.number() & 0xffffffU;
  tries_ = 0;
}

void Client6::send(Type6 type, Instant now, Actions6& actions) {
  ++tries_;
  sent_at_ = now;
  const bool names_server =
      type == Type6::request || type == Type6::renew || type == Type6::release;
  actions.emplace_back(
      Multicast{encode(Request6{.type = type,
                                .transaction = transaction_,
                                .asking = now - asking_since_,
                                .server_duid = names_server ? server_duid_ : Buffer{},
                                .address = lease_ ? std::optional{lease_->address.address} : wish_},
                       identity_)});
}

void Client6::solicit(Instant now, Actions6& actions) {
  enter(State::soliciting, now);
  best_.reset();
  send(Type6::solicit, now, actions);
  wake_in(chance_.around(back_off(pace_, tries_)), now);
}

void Client6::request(Instant now, Actions6& actions) {
  enter(State::requesting, now);
  send(Type6::request, now, actions);
  wake_in(chance_.around(back_off(pace_, tries_)), now);
}

// RFC 8415 sections 18.2.4 and 18.2.5.
void Client6::renew(Instant now, Actions6& actions) {
  const auto rebind_at = since_ + lease_->times.rebind;
  if (now < rebind_at) {
    enter(State::renewing, now);
    send(Type6::renew, now, actions);
    const auto wait = renewal_wait(pace_, since_ + lease_->times.renew, now, rebind_at);
    wake_in(std::min(wait, rebind_at - now), now);
  } else {
    enter(State::rebinding, now);
    send(Type6::rebind, now, actions);
    wake_in(renewal_wait(pace_, rebind_at, now, *end()), now);
  }
}

void Client6::withdraw(std::string reason, Actions6& actions) {
  if (!lease_) return;
  wish_ = lease_->address.address;
  actions.emplace_back(Withdrawn{*std::move(lease_), std::move(reason)});
  lease_.reset();
}

void Client6::begin_anew(Instant now) {
  state_ = State::waiting;
  best_.reset();
  wake_in(refusals_ == 0 ? milliseconds{0} : chance_.around(back_off(pace_, refusals_)), now);
}

Actions6 Client6::on_payload(Bytes payload, Instant now) {
  Actions6 actions;
  advance(now, actions);
  if (!is_listening()) return actions;
  const auto reply = decode_reply6(payload, identity_.iaid);
  if (!reply) {
    if (!lease_) trouble_ = "an answer makes no sense: " + reply.error().message;
    return actions;
  }
  if (reply->client_duid != identity_.duid || reply->transaction != transaction_) return actions;
  if (reply->type == Type6::advertise) {
    on_advertise(*reply, now, actions);
  } else {
    on_reply(*reply, now, actions);
  }
  return actions;
}

// The first wait is for the best server (RFC 8415 section 18.2.9), later ones for any.
void Client6::on_advertise(const Reply6& reply, Instant now, Actions6& actions) {
  if (state_ != State::soliciting) return;
  const auto offered = lease_of(reply, wish_);
  if (!offered) {
    trouble_ = reply.message.empty() ? "a server answers without an address"
                                     : "a server answers: " + reply.message;
    return;
  }
  if (!best_ || reply.preference > best_->preference) {
    best_ = reply;
    wish_ = offered->address.address;
  }
  if (tries_ > 1 || reply.preference == kHighestPreference) {
    server_duid_ = best_->server_duid;
    request(now, actions);
  }
}

void Client6::on_reply(const Reply6& reply, Instant now, Actions6& actions) {
  const bool is_awaited =
      state_ == State::rebinding || ((state_ == State::requesting || state_ == State::renewing) &&
                                     reply.server_duid == server_duid_);
  if (!is_awaited) return;
  const auto wish = lease_ ? std::optional{lease_->address.address} : wish_;
  auto granted = lease_of(reply, wish);
  if (!granted) return on_refusal(reply, now, actions);
  if (lease_ && lease_->address != granted->address) {
    withdraw("the server grants another address", actions);
  }
  lease_ = *std::move(granted);
  since_ = sent_at_;
  server_duid_ = reply.server_duid;
  state_ = State::bound;
  refusals_ = 0;
  best_.reset();
  trouble_.clear();
  wake_at_ = end() ? std::optional<Instant>{since_ + lease_->times.renew} : std::nullopt;
  actions.emplace_back(Granted{*lease_, since_});
}

void Client6::on_refusal(const Reply6& reply, Instant now, Actions6& actions) {
  trouble_ = fmt::format("a server refuses{}{}", reply.message.empty() ? "" : ": ", reply.message);
  // It has forgotten us: what we have can be asked for once more (RFC 8415 section 18.2.10.1).
  if (reply.status == Status6::no_binding && lease_ && refusals_++ == 0) {
    server_duid_ = reply.server_duid;
    request(now, actions);
    return;
  }
  // Busy servers are asked again, as if nothing had come.
  if (reply.status == Status6::unspecified && lease_) return;
  withdraw(trouble_, actions);
  ++refusals_;
  begin_anew(now);
}

Actions6 Client6::release(Instant now) {
  Actions6 actions;
  if (lease_) {
    enter(State::idle, now);
    send(Type6::release, now, actions);
  }
  state_ = State::idle;
  lease_.reset();
  best_.reset();
  wake_at_.reset();
  return actions;
}

std::string Client6::trouble() const {
  return trouble_.empty() ? "no DHCPv6 server answers" : trouble_;
}

std::string_view to_string(Client6::State state) {
  switch (state) {
    case Client6::State::idle:
      return "idle";
    case Client6::State::waiting:
      return "waiting";
    case Client6::State::soliciting:
      return "soliciting";
    case Client6::State::requesting:
      return "requesting";
    case Client6::State::bound:
      return "bound";
    case Client6::State::renewing:
      return "renewing";
    case Client6::State::rebinding:
      return "rebinding";
  }
  return "?";
}

}  // namespace burrow::dhcp
