// One family's client at work: a machine (client4.h, client6.h) with its sockets and its alarm.
// What it is granted it hands on; it touches no address itself.
#pragma once

#include <functional>
#include <string>

#include "dhcp/record.h"

namespace burrow::dhcp {

/// What an agent needs and whom it tells. None of these may destroy the agent.
struct AgentPorts {
  /// A footing in the container; stays valid while the agent is_listening() and in this call.
  std::function<Result<Footing*>()> footing;
  /// The first lease, a renewed one, or another after one was withdrawn.
  std::function<void(const Held&)> on_granted;
  std::function<void(const Lease&, const std::string& reason)> on_withdrawn;
  /// After every event, when all has been told.
  std::function<void()> on_settled;
};

class Agent {
 public:
  Agent() = default;
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;
  virtual ~Agent() = default;

  /// Asks until there is a lease, and keeps it from then on.
  virtual void start() = 0;
  /// Keeps a lease of before.
  virtual void resume(const Held& held) = 0;
  /// Gives the lease back, if there is one. Nothing is told.
  virtual void release() = 0;

  /// Whether sockets are open in the container.
  [[nodiscard]] virtual bool is_listening() const = 0;
  /// Why there is no lease yet.
  [[nodiscard]] virtual std::string trouble() const = 0;
  [[nodiscard]] virtual std::string state() const = 0;
};

}  // namespace burrow::dhcp
