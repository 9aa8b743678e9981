// What of an upstream's response may be kept, for how long, and how it is given to another client
// later. Pure: no clock. Where it is kept: cache.h.
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <vector>

#include "dns/answer.h"
#include "dns/message.h"

namespace burrow::dns {

/// A response that is fit to be kept.
struct KeptAnswer {
  std::vector<uint8_t> response;  ///< header, question and whole records, without OPT
  std::vector<uint16_t> ttls;     ///< where the TTL of each record lies in it
  std::chrono::seconds ttl{0};    ///< how long it holds: the shortest, one second at least
};

/// The longest that an answer and a "no" (RFC 2308 section 5) are believed.
constexpr std::chrono::seconds kLongestTtl = std::chrono::hours{24};
constexpr std::chrono::seconds kLongestNegativeTtl = std::chrono::minutes{15};
/// The longest for a "no" that is not from the first server in line.
constexpr std::chrono::seconds kDoubtfulNegativeTtl{5};

/// What may be kept of `response`, which answers a question of `question_size` bytes. Nothing when
/// it is truncated, broken or a failure, has a TTL of 0, or says no without a SOA record.
std::optional<KeptAnswer> keep_answer(Bytes response, size_t question_size);

/// A failure to be kept for `ttl`, as response to `query` (RFC 9520).
KeptAnswer keep_failure(const Query& query, std::chrono::seconds ttl);

/// How a kept response is given out.
struct Presentation {
  std::chrono::seconds age{0};  ///< taken off each TTL
  /// Instead of that: the TTL of all records of an answer that is past its own (RFC 8767).
  std::optional<std::chrono::seconds> stale_ttl;
  std::optional<ExtendedError> extended_error;  ///< for clients that speak EDNS
};

/// Writes the reply to `query`: its id, its question in its case, RD as it is there, RA; our own
/// OPT record if it has one; whole records up to its size limit, with TC when some are left out.
/// Returns the size. `reply` holds at least kUdpSize bytes.
size_t write_kept(Bytes response, std::span<const uint16_t> ttls, const Query& query,
                  Transport transport, const Presentation& presentation, std::span<uint8_t> reply);

}  // namespace burrow::dns
