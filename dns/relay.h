// Between a client and its upstream: the query that goes up, and the judgement
// and trimming of what comes back. Pure. Sending and waiting: forwarder.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dns/answer.h"
#include "dns/message.h"

namespace burrow::dns {

/// What has to be kept of a query while it is away.
struct PendingQuestion {
  uint16_t id = 0;  ///< the client's
  uint16_t flags = 0;
  std::optional<Edns> edns;
  Transport transport = Transport::udp;
  std::vector<uint8_t> question;  ///< name, type and class as the client sent them

  PendingQuestion(const Query& query, Transport asked_over);
  /// As a query again, to reply to; refers to this.
  [[nodiscard]] Query query() const;
};

/// The question as text, for logs: "\"example.com\" type 1".
std::string question_text(const PendingQuestion& pending);

/// Whether a server may get an OPT record at all.
enum class Dialect : uint8_t { edns, plain };

/// The client's question under another id, verbatim, with an OPT record of our
/// own if it had one: EDNS is hop by hop (RFC 6891 section 6.2.6), so cookies
/// and client subnets stay here.
std::vector<uint8_t> upstream_query(const PendingQuestion& pending, uint16_t id,
                                    Dialect dialect = Dialect::edns);

/// True when `response`, to a question with an OPT record, is the refusal of a
/// server that does not know such records (RFC 6891 section 7). It may do
/// better without.
bool refuses_edns(Bytes response);

/// Gives each letter of the name in `query`, which has one question, a random
/// case: who would forge an answer has to guess that too, since servers send
/// the question back as it was (0x20, Dagon and others 2008). `next_bits`
/// returns 64 random bits.
template <typename NextBits>
void mix_case(std::span<uint8_t> query, NextBits next_bits) {
  uint64_t bits = 0;
  size_t left = 0;
  // Every byte but the letters' keeps its value: lengths are below 64.
  for (size_t at = kHeaderSize; query[at] != 0; at += 1 + size_t{query[at]}) {
    for (size_t i = at + 1; i <= at + query[at]; ++i) {
      const auto lower = to_lower(query[i]);
      if (lower < 'a' || lower > 'z') continue;
      if (left == 0) {
        bits = next_bits();
        left = 64;
      }
      query[i] = static_cast<uint8_t>((bits & 1U) != 0 ? lower - 32 : lower);
      bits >>= 1U;
      --left;
    }
  }
}

/// What an upstream's message is worth.
enum class Judgement {
  good,       ///< an answer, also a negative one
  failed,     ///< SERVFAIL, REFUSED, NOTIMP or FORMERR: another server may do
              ///< better
  truncated,  ///< ask again over TCP
  garbage,    ///< not a response, or broken
};
Judgement judge(Bytes response);

/// The response as the client gets it: its own id and question, RA, no OPT
/// record if it sent none, whole records up to its size limit with TC when some
/// are left out. Nothing when the response is broken.
std::optional<std::vector<uint8_t>> relayed_response(const PendingQuestion& pending,
                                                     Bytes response);

}  // namespace burrow::dns
