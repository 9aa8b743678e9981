// The DHCPv6 client for one address as a machine: events and the time go in, what to do comes out.
// Pure. Source: RFC 8415 section 18.2. Routers are none of its business: the kernel listens to
// them.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "dhcp/grant.h"
#include "dhcp/message6.h"
#include "dhcp/pace.h"

namespace burrow::dhcp {

/// To all servers and relays on the link.
struct Multicast {
  Buffer payload;
};

using Action6 = std::variant<Multicast, Granted, Withdrawn>;
using Actions6 = std::vector<Action6>;

class Client6 {
 public:
  enum class State : uint8_t {
    idle,        ///< asks for nothing
    waiting,     ///< will start anew
    soliciting,  ///< has asked for servers
    requesting,  ///< has chosen one
    bound,
    renewing,   ///< asks the server that granted it
    rebinding,  ///< asks any server
  };

  Client6(Identity6 identity, uint64_t seed, Pace pace = {});

  /// Begins to ask. It goes on for ever; who wants an end counts the time.
  Actions6 start(Instant now);
  /// Goes on with a lease of before, at whatever stage it is by now.
  Actions6 resume(const Lease& lease, Buffer server_duid, Instant since, Instant now);
  /// A UDP payload that came to port 546.
  Actions6 on_payload(Bytes payload, Instant now);
  /// Time has passed; to be called at wake_at(), earlier does no harm.
  Actions6 on_time(Instant now);
  /// Gives the address back, if there is one, and asks for nothing more.
  Actions6 release(Instant now);

  /// When to call on_time(); nothing: never.
  [[nodiscard]] std::optional<Instant> wake_at() const { return wake_at_; }
  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] bool has_lease() const { return lease_.has_value(); }
  [[nodiscard]] bool is_listening() const {
    return state_ != State::idle && state_ != State::waiting && state_ != State::bound;
  }
  /// The server that granted the lease, or is being asked.
  [[nodiscard]] const Buffer& server_duid() const { return server_duid_; }
  /// Why there is no lease yet, as a sentence.
  [[nodiscard]] std::string trouble() const;

 private:
  void advance(Instant now, Actions6& actions);
  void enter(State state, Instant now);
  void send(Type6 type, Instant now, Actions6& actions);
  void solicit(Instant now, Actions6& actions);
  void request(Instant now, Actions6& actions);
  void renew(Instant now, Actions6& actions);
  void on_advertise(const Reply6& reply, Instant now, Actions6& actions);
  void on_reply(const Reply6& reply, Instant now, Actions6& actions);
  void on_refusal(const Reply6& reply, Instant now, Actions6& actions);
  void begin_anew(Instant now);
  void withdraw(std::string reason, Actions6& actions);
  void wake_in(milliseconds wait, Instant now);
  [[nodiscard]] std::optional<Instant> end() const;

  Identity6 identity_;
  Pace pace_;
  Chance chance_;
  State state_ = State::idle;
  std::optional<Instant> wake_at_;
  uint32_t transaction_ = 0;
  Instant asking_since_;
  Instant sent_at_;
  int tries_ = 0;
  int refusals_ = 0;
  std::optional<Reply6> best_;  // of the advertisements so far
  std::optional<IpAddress> wish_;
  Buffer server_duid_;
  std::optional<Lease> lease_;
  Instant since_;
  std::string trouble_;
};

std::string_view to_string(Client6::State state);

}  // namespace burrow::dhcp
