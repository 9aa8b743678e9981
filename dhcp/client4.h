// The DHCPv4 client as a machine: events and the time go in, what to do comes out. Pure: it sends
// nothing and has no clock. Source: RFC 2131 section 4.4, RFC 5227.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "dhcp/grant.h"
#include "dhcp/message4.h"
#include "dhcp/pace.h"

namespace burrow::dhcp {

/// To everybody on the link, from the address `source` (all zeros while we have none).
struct Broadcast {
  Buffer payload;
  IpAddress source;
};
/// To one server, from our address.
struct Unicast {
  Buffer payload;
  IpAddress source;
  IpAddress server;
};
/// Back to the server, with no word awaited: must leave the machine before the address does.
struct GiveBack {
  Buffer payload;
  IpAddress source;
  IpAddress server;
};
/// Ask by ARP whether somebody has `target`.
struct Probe {
  IpAddress target;
};
using Action4 = std::variant<Broadcast, Unicast, GiveBack, Probe, Granted, Withdrawn>;
using Actions4 = std::vector<Action4>;

class Client4 {
 public:
  enum class State : uint8_t {
    idle,        ///< asks for nothing
    waiting,     ///< will start anew
    selecting,   ///< has asked for offers
    requesting,  ///< has chosen one
    probing,     ///< granted, if nobody else has the address
    bound,
    renewing,   ///< asks the server that granted it
    rebinding,  ///< asks any server
  };

  Client4(Identity4 identity, uint64_t seed, Pace pace = {});

  /// Begins to ask. It goes on for ever; who wants an end counts the time.
  Actions4 start(Instant now);
  /// Goes on with a lease of before, at whatever stage it is by now.
  Actions4 resume(const Lease& lease, Instant since, Instant now);
  /// A UDP payload that came to port 68.
  Actions4 on_payload(Bytes payload, Instant now);
  /// `owner` says or asks by ARP that it has or wants `address`.
  Actions4 on_claim(const IpAddress& address, const MacAddress& owner, Instant now);
  /// Time has passed; to be called at wake_at(), earlier does no harm.
  Actions4 on_time(Instant now);
  /// Gives the address back, if there is one, and asks for nothing more.
  Actions4 release(Instant now);

  /// When to call on_time(); nothing: never.
  [[nodiscard]] std::optional<Instant> wake_at() const { return wake_at_; }
  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] bool has_lease() const { return lease_.has_value(); }
  /// Whether answers and ARP must be listened to.
  [[nodiscard]] bool is_listening() const {
    return state_ != State::idle && state_ != State::waiting && state_ != State::bound;
  }
  /// Why there is no lease yet, as a sentence.
  [[nodiscard]] std::string trouble() const;

 private:
  void advance(Instant now, Actions4& actions);
  void discover(Instant now, Actions4& actions);
  void request(Instant now, Actions4& actions);
  void probe(Instant now, Actions4& actions);
  void bind(Lease lease, Instant since, Instant now, Actions4& actions);
  void renew(Instant now, Actions4& actions);
  void withdraw(std::string reason, Actions4& actions);
  void begin_anew(milliseconds after, Instant now);
  void on_offer(const Reply4& reply, Instant now, Actions4& actions);
  void on_ack(const Reply4& reply, Instant now, Actions4& actions);
  void on_nak(const Reply4& reply, Instant now, Actions4& actions);
  [[nodiscard]] bool is_from_ours(const Reply4& reply) const;
  [[nodiscard]] Request4 message(Type4 type, Instant now) const;

  Identity4 identity_;
  Pace pace_;
  Chance chance_;
  State state_ = State::idle;
  std::optional<Instant> wake_at_;
  uint32_t transaction_ = 0;
  Instant asking_since_;
  Instant sent_at_;
  int tries_ = 0;
  int refusals_ = 0;  // NAKs and conflicts since the last lease
  int conflicts_ = 0;
  std::optional<Lease> chosen_;  // offered, or granted and being probed
  std::optional<Lease> lease_;
  Instant since_;
  std::string trouble_;
  size_t others_ = 0;  // answers that were for somebody else
};

std::string_view to_string(Client4::State state);

}  // namespace burrow::dhcp
