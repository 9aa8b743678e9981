// What a reply says: which name was asked for, and the addresses that it gives. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "core/ip.h"
#include "dns/wire.h"

namespace burrow::dns {

struct AnsweredAddress {
  IpAddress address;
  std::chrono::seconds ttl;
};

struct AnsweredAddresses {
  std::string name;  ///< in lower case, without a dot at its end
  std::vector<AnsweredAddress> addresses;
};

/// The addresses in the answer section of a reply to one question, whoever owns them: behind an
/// alias they are its target's, and what was asked for is what counts. At most 256. Nothing without
/// any, for a reply that does not decode, and for a name with other bytes than names of hosts have.
std::optional<AnsweredAddresses> read_addresses(Bytes reply);

}  // namespace burrow::dns
