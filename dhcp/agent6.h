// The agent for IPv6.
#pragma once

#include <memory>
#include <optional>

#include "dhcp/agent.h"
#include "dhcp/alarm.h"
#include "dhcp/client6.h"
#include "dhcp/sockets6.h"
#include "host/event_loop.h"

namespace burrow::dhcp {

class Agent6 : public Agent {
 public:
  Agent6(host::EventLoop& loop, AlarmClock& clock, Identity6 identity, uint64_t seed,
         AgentPorts ports);

  void start() override;
  void resume(const Held& held) override;
  void release() override;
  [[nodiscard]] bool is_listening() const override { return sockets_.has_value(); }
  [[nodiscard]] std::string trouble() const override;
  [[nodiscard]] std::string state() const override {
    return std::string{to_string(machine_.state())};
  }

 private:
  void perform(const Actions6& actions);
  Result<void> send(const Buffer& payload);
  Result<Sockets6*> sockets();
  void settle();
  void close();
  void on_messages();
  void on_addresses();
  void on_time();

  host::EventLoop& loop_;
  Client6 machine_;
  AgentPorts ports_;
  std::optional<Sockets6> sockets_;
  std::unique_ptr<host::FdWatch> messages_watch_;
  std::unique_ptr<host::FdWatch> addresses_watch_;
  Alarm alarm_;
  std::optional<Buffer> unsent_;  // waits for the link-local address
  std::string problem_;           // why nothing can be sent
};

}  // namespace burrow::dhcp
