#include "dhcp/agent4.h"

#include "core/log.h"

namespace burrow::dhcp {

Agent4::Agent4(host::EventLoop& loop, AlarmClock& clock, const Identity4& identity, uint64_t seed,
               AgentPorts ports)
    : loop_(loop),
      mac_(identity.mac),
      machine_(identity, seed),
      ports_(std::move(ports)),
      alarm_(clock, [this] { on_time(); }) {}

void Agent4::start() {
  perform(machine_.start(BootClock::now()));
  settle();
}

void Agent4::resume(const Held& held) {
  lease_hop_ = held.hop;
  perform(machine_.resume(held.lease, held.since, BootClock::now()));
  settle();
}

void Agent4::release() {
  for (const auto& action : machine_.release(BootClock::now())) {
    if (const auto sent = send(action); !sent) {
      log::warn("dhcp", "a lease is not given back: {}", sent.error().message);
    }
  }
  packets_watch_.reset();
  arp_watch_.reset();
  sockets_.reset();
  alarm_.set({});
}

void Agent4::on_time() {
  perform(machine_.on_time(BootClock::now()));
  settle();
}

void Agent4::on_packets() {
  // Taken out of the socket first: what they cause may close it.
  std::vector<std::pair<Buffer, MacAddress>> payloads;
  sockets_->receive([&](Bytes payload, const MacAddress& from) {
    payloads.emplace_back(Buffer{payload.begin(), payload.end()}, from);
  });
  for (const auto& [payload, from] : payloads) {
    hop_ = from;
    perform(machine_.on_payload(payload, BootClock::now()));
  }
  settle();
}

void Agent4::on_arp() {
  std::vector<Claim> claims;
  sockets_->receive_claims([&](const Claim& claim) { claims.push_back(claim); });
  for (const auto& claim : claims) {
    perform(machine_.on_claim(claim.address, claim.owner, BootClock::now()));
  }
  settle();
}

void Agent4::perform(const Actions4& actions) {
  for (const auto& action : actions) {
    if (const auto* granted = std::get_if<Granted>(&action)) {
      if (hop_) lease_hop_ = hop_;
      ports_.on_granted({.lease = granted->lease, .since = granted->since, .hop = lease_hop_});
    } else if (const auto* withdrawn = std::get_if<Withdrawn>(&action)) {
      ports_.on_withdrawn(withdrawn->lease, withdrawn->reason);
    } else if (const auto sent = send(action); !sent) {
      // As good as lost on the way: it will be sent again.
      log::debug("dhcp", "not sent: {}", sent.error().message);
    }
  }
}

Result<void> Agent4::send(const Action4& action) {
  auto* sockets = TRY(this->sockets());
  if (const auto* broadcast = std::get_if<Broadcast>(&action)) {
    return sockets->broadcast(broadcast->payload, broadcast->source);
  }
  if (const auto* unicast = std::get_if<Unicast>(&action)) {
    return sockets->send_routed(*TRY(ports_.footing()), unicast->payload, unicast->source,
                                unicast->server);
  }
  if (const auto* back = std::get_if<GiveBack>(&action)) {
    const auto hop = lease_hop_ ? lease_hop_ : hop_;
    if (!hop) return fail(Errc::not_found, "nobody knows where the server is");
    return sockets->send_to(*hop, back->payload, back->source, back->server);
  }
  if (const auto* probe = std::get_if<Probe>(&action)) return sockets->probe(mac_, probe->target);
  return {};
}

Result<Sockets4*> Agent4::sockets() {
  if (!sockets_) {
    sockets_ = TRY(Sockets4::open(*TRY(ports_.footing())));
    packets_watch_ =
        std::make_unique<host::FdWatch>(loop_, sockets_->packets(), [this] { on_packets(); });
    arp_watch_ = std::make_unique<host::FdWatch>(loop_, sockets_->arp(), [this] { on_arp(); });
    packets_watch_->await_readable();
    arp_watch_->await_readable();
  }
  return &*sockets_;
}

void Agent4::settle() {
  if (!machine_.is_listening()) {
    packets_watch_.reset();
    arp_watch_.reset();
    sockets_.reset();
  } else if (sockets_) {
    packets_watch_->await_readable();
    arp_watch_->await_readable();
  }
  alarm_.set(machine_.wake_at());
  ports_.on_settled();
}

}  // namespace burrow::dhcp
