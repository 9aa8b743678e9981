// What the servers did so far, counted as they go. Nothing reads it but the control socket.
#pragma once

#include <array>
#include <cstdint>

#include "dns/wire.h"

namespace burrow::dns {

struct ServerCounts {
  uint64_t udp = 0;                     ///< messages that came over UDP
  uint64_t tcp = 0;                     ///< and over TCP
  uint64_t forwarded = 0;               ///< of them, those for upstreams
  uint64_t dropped = 0;                 ///< of them, those that get no answer
  std::array<uint64_t, 16> answered{};  ///< the others, by the code of our answer

  void count_answer(const uint8_t* reply) { ++answered[reply[3] & kMaskRcode]; }
};

}  // namespace burrow::dns
