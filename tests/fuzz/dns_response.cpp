// fuzz: dns
// An upstream's response, judged, relayed, kept and given to others. The first byte says what they
// asked with, the rest is the response to a question for "ab.c".
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "dns/alias_chase.h"
#include "dns/cache.h"
#include "dns/relay.h"

using namespace burrow::dns;

namespace {

// As what an alias of ours leads to: the question is the target, so the aliased name may be any.
void try_alias(const Query& query, Transport transport, Bytes response) {
  std::vector<uint8_t> so_far(kHeaderSize);
  so_far.insert(so_far.end(), query.question.begin(), query.question.end());
  const size_t alias = so_far.size();
  so_far.insert(so_far.end(), {0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 5, 0, 6, 2, 'a', 'b', 1, 'c', 0});
  so_far[5] = 1;
  so_far[7] = 1;
  const AliasChase chase{query, transport, so_far, alias + 12};
  const auto whole = chase.completed(response);
  if (whole.size() > reply_limit(query, transport)) std::abort();
  const PendingQuestion pending{query, transport};
  if (!relayed_response(pending, whole)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  if (size == 0) return 0;
  std::vector<uint8_t> asked{0, 1, 1,   0,   0, 1,   0, 0, 0, 0, 0,
                             0, 2, 'a', 'b', 1, 'c', 0, 0, 1, 0, 1};
  if ((bytes[0] & 1U) != 0) {
    asked[11] = 1;
    asked.insert(asked.end(), {0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0});
  }
  const auto transport = (bytes[0] & 2U) != 0 ? Transport::tcp : Transport::udp;
  Query query;
  if (decode_query(asked, query) != Decoded::query) std::abort();
  const PendingQuestion pending{query, transport};

  const Bytes response{bytes + 1, size - 1};
  try_alias(query, transport, response);
  judge(response);
  if (const auto reply = relayed_response(pending, response)) {
    if (reply->size() > reply_limit(query, transport)) std::abort();
  }
  const auto kept = keep_answer(response, query.question.size());
  if (!kept) return 0;
  Cache cache{{}, {1, 2}};
  cache.insert("key", *kept, {});
  const auto found = cache.find("key", {});
  if (!found) std::abort();
  // As much room as the servers give, and no more.
  std::vector<uint8_t> reply(transport == Transport::tcp ? kMaximumMessageSize : kUdpSize);
  const auto written = write_kept(
      found->response, found->ttls, query, transport,
      {.age = std::chrono::seconds{1}, .extended_error = ExtendedError::stale_answer}, reply);
  if (written > reply_limit(query, transport)) std::abort();
  // What was written is a response to the question again.
  reply.resize(written);
  if (!relayed_response(pending, reply)) std::abort();
  return 0;
}
