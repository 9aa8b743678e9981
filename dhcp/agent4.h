// The agent for IPv4.
#pragma once

#include <memory>
#include <optional>

#include "dhcp/agent.h"
#include "dhcp/alarm.h"
#include "dhcp/client4.h"
#include "dhcp/sockets4.h"
#include "host/event_loop.h"

namespace burrow::dhcp {

class Agent4 : public Agent {
 public:
  Agent4(host::EventLoop& loop, AlarmClock& clock, const Identity4& identity, uint64_t seed,
         AgentPorts ports);

  void start() override;
  void resume(const Held& held) override;
  void release() override;
  [[nodiscard]] bool is_listening() const override { return sockets_.has_value(); }
  [[nodiscard]] std::string trouble() const override { return machine_.trouble(); }
  [[nodiscard]] std::string state() const override {
    return std::string{to_string(machine_.state())};
  }

 private:
  void perform(const Actions4& actions);
  Result<void> send(const Action4& action);
  Result<Sockets4*> sockets();
  void settle();
  void on_packets();
  void on_arp();
  void on_time();

  host::EventLoop& loop_;
  MacAddress mac_;
  Client4 machine_;
  AgentPorts ports_;
  std::optional<Sockets4> sockets_;
  std::unique_ptr<host::FdWatch> packets_watch_;
  std::unique_ptr<host::FdWatch> arp_watch_;
  Alarm alarm_;
  std::optional<MacAddress> hop_;  // whose frame came last
  std::optional<MacAddress> lease_hop_;
};

}  // namespace burrow::dhcp
