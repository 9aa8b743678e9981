// The running daemon: its configuration, sockets and signals on one loop, from start to the end of
// the last network. How it becomes a daemon: daemon.h.
#pragma once

#include <memory>

#include "core/result.h"
#include "dns/command_line.h"

namespace burrow::dns {

class Service {
 public:
  enum class Start { serving, no_network };

  explicit Service(const CommandLine& command_line);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  /// Holds back the signals that run() will take, reads the configuration, binds every address
  /// and writes the pid file. The error names every address that could not be bound, one a line.
  Result<Start> start();
  /// Serves until the last network is gone or a signal ends it; removes the pid file.
  Result<void> run();

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace burrow::dns
