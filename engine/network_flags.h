// The flags of `network create` as values. Pure.
#pragma once

#include <string>
#include <vector>

#include "engine/network_create.h"

namespace burrow::engine {

/// The flags as written.
struct NetworkFlags {
  std::vector<std::string> subnets;
  std::vector<std::string> gateways;  ///< the i-th belongs to the i-th subnet
  std::vector<std::string> ranges;    ///< likewise: a prefix, or START-END
  std::vector<std::string> routes;    ///< DESTINATION,GATEWAY[,METRIC]
  std::vector<std::string> dns_servers;
  std::vector<std::string> labels;
  std::vector<std::string> options;
  std::string interface;
};

/// Fills `network` from `flags`. Errors: invalid_input, naming the flag's value.
Result<void> apply_flags(const NetworkFlags& flags, NewNetwork& network);

}  // namespace burrow::engine
