// The running proxy: keepers, callers, signals and the wish to end, on one loop.
#pragma once

#include <memory>

#include "core/result.h"
#include "dhcp/command_line.h"

namespace burrow::dhcp {

class Service {
 public:
  explicit Service(const CommandLine& command_line);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  /// Holds back the signals that run() will take, listens, and goes on with the leases on record.
  Result<void> start();
  /// Serves until SIGTERM or SIGINT, or until there has been nothing to do for long enough. Leases
  /// stay on the links and on record: the next proxy goes on with them.
  void run();

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace burrow::dhcp
