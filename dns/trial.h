// One query as a container would send it, answered and explained: `query` at the control socket.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "core/ip.h"
#include "core/result.h"
#include "dns/name.h"
#include "dns/udp_server.h"

namespace burrow::dns {

/// What to ask, and as whom.
struct Trial {
  DomainName name;
  uint16_t type = static_cast<uint16_t>(RecordType::a);
  std::string network;              ///< whose address is asked; empty: where `source` is, or any
  std::optional<IpAddress> source;  ///< nothing: the host
};

/// Reads "NAME [TYPE] [network=NETWORK] [from=ADDRESS]". Errors: invalid_input.
Result<Trial> parse_trial(std::string_view words);

/// Gives `done` a JSON document on one line, now or when upstreams have answered.
void run_trial(const Trial& trial, const Authority& authority,
               std::function<void(std::string document)> done);

}  // namespace burrow::dns
