#include "dhcp/agent6.h"

#include "core/log.h"

namespace burrow::dhcp {

Agent6::Agent6(host::EventLoop& loop, AlarmClock& clock, Identity6 identity, uint64_t seed,
               AgentPorts ports)
    : loop_(loop),
      machine_(std::move(identity), seed),
      ports_(std::move(ports)),
      alarm_(clock, [this] { on_time(); }) {}

void Agent6::start() {
  perform(machine_.start(BootClock::now()));
  settle();
}

void Agent6::resume(const Held& held) {
  perform(machine_.resume(held.lease, held.server_duid, held.since, BootClock::now()));
  settle();
}

void Agent6::release() {
  for (const auto& action : machine_.release(BootClock::now())) {
    const auto* message = std::get_if<Multicast>(&action);
    if (message == nullptr) continue;
    if (const auto sent = send(message->payload); !sent) {
      log::warn("dhcp", "a lease is not given back: {}", sent.error().message);
    }
  }
  close();
  alarm_.set({});
}

void Agent6::on_time() {
  perform(machine_.on_time(BootClock::now()));
  settle();
}

void Agent6::on_messages() {
  for (const auto& payload : sockets_->receive()) {
    perform(machine_.on_payload(payload, BootClock::now()));
  }
  settle();
}

void Agent6::on_addresses() {
  sockets_->forget_changes();
  if (unsent_) {
    const auto payload = *std::exchange(unsent_, {});
    if (const auto sent = send(payload); !sent) log::debug("dhcp", "{}", sent.error().message);
  }
  settle();
}

void Agent6::perform(const Actions6& actions) {
  for (const auto& action : actions) {
    if (const auto* granted = std::get_if<Granted>(&action)) {
      ports_.on_granted({.lease = granted->lease,
                         .since = granted->since,
                         .server_duid = machine_.server_duid()});
    } else if (const auto* withdrawn = std::get_if<Withdrawn>(&action)) {
      ports_.on_withdrawn(withdrawn->lease, withdrawn->reason);
    } else if (const auto sent = send(std::get<Multicast>(action).payload); !sent) {
      // As good as lost on the way: it will be sent again.
      problem_ = sent.error().message;
      log::debug("dhcp", "not sent: {}", problem_);
    }
  }
}

Result<void> Agent6::send(const Buffer& payload) {
  auto* sockets = TRY(this->sockets());
  unsent_.reset();
  if (TRY(sockets->multicast(payload)) == Sockets6::Sent::not_yet) {
    unsent_ = payload;
    problem_ = "the link has no link-local address";
  } else {
    problem_.clear();
  }
  return {};
}

Result<Sockets6*> Agent6::sockets() {
  if (!sockets_) {
    sockets_ = TRY(Sockets6::open(*TRY(ports_.footing())));
    messages_watch_ =
        std::make_unique<host::FdWatch>(loop_, sockets_->messages(), [this] { on_messages(); });
    addresses_watch_ =
        std::make_unique<host::FdWatch>(loop_, sockets_->addresses(), [this] { on_addresses(); });
  }
  return &*sockets_;
}

void Agent6::close() {
  messages_watch_.reset();
  addresses_watch_.reset();
  sockets_.reset();
  unsent_.reset();
}

void Agent6::settle() {
  if (!machine_.is_listening()) {
    close();
  } else if (sockets_) {
    messages_watch_->await_readable();
    addresses_watch_->await_readable();
  }
  alarm_.set(machine_.wake_at());
  ports_.on_settled();
}

std::string Agent6::trouble() const { return problem_.empty() ? machine_.trouble() : problem_; }

}  // namespace burrow::dhcp
