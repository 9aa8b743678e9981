// fuzz: dns
// An upstream's response, judged, relayed, kept and given to others. The first byte says what they
// asked with, the rest is the response to a question for "ab.c".
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "dns/cache.h"
#include "dns/relay.h"

using namespace burrow::dns;

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
