// Following packets of one flow through all tables of the host, by nftables' own trace. A table of
// ours marks them meanwhile; it goes with the Tracer, however that ends.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/ip.h"
#include "core/port.h"
#include "core/result.h"
#include "host/fd.h"

namespace burrow::firewall {

/// The packets that are followed: those from one address to another, not the answers.
struct Flow {
  IpAddress from;
  IpAddress to;
  std::optional<Protocol> protocol;
  std::optional<uint16_t> port;  ///< that they go to; needs a protocol
};

/// What a chain did with a packet.
enum class TraceVerdict : uint8_t { accept, drop, jump, go_on, give_back, queue };

/// What decided: a rule, the end of a chain, or a base chain's policy.
enum class Decider : uint8_t { rule, end_of_chain, policy };

/// One step of one packet.
struct TraceEvent {
  uint32_t packet = 0;  ///< the same for all steps of a packet, and later perhaps for another one
  std::string family;   ///< of the table: "ip", "inet", ...
  std::string table;
  std::string chain;
  Decider decider = Decider::rule;
  TraceVerdict verdict = TraceVerdict::go_on;
  std::string target;  ///< the chain that is jumped to
  std::string rule;    ///< what the rule says, in words; empty when it is gone
  std::string in;      ///< links, where the kernel says them
  std::string out;
  std::string packet_words;  ///< "tcp 10.0.0.2:40000 to 192.0.2.1:80", where the kernel says it
};

/// Has packets of a flow marked and hears of their way.
class Tracer {
 public:
  /// Begins, in the calling thread's network namespace. A table that a killed one left behind is
  /// taken away first. Errors: already_exists when another one is at work; invalid_input for
  /// addresses of two families; unsupported; permission; system.
  static Result<Tracer> start(const Flow& flow);
  Tracer(Tracer&&) noexcept;
  Tracer& operator=(Tracer&&) noexcept;
  /// Takes the table away.
  ~Tracer();

  /// Becomes readable when a packet has come.
  [[nodiscard]] int fd() const;
  /// What came since the last call, or the first of it; does not wait. Errors: system.
  Result<std::vector<TraceEvent>> take();

 private:
  struct State;
  explicit Tracer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace burrow::firewall
