// fuzz: dns
// Any bytes as a query over both transports, and as an upstream's response to a good question.
#include <cstdlib>
#include <vector>

#include "dns/answer.h"
#include "dns/message_text.h"
#include "dns/name.h"
#include "dns/relay.h"

using namespace burrow;
using namespace burrow::dns;

namespace {

const Zones& zones() {
  static const Zones kZones = [] {
    const auto file = *parse_network_file(
        "net",
        "10.89.0.1,fd00::1\n=   @ 0 SET domain=shop.internal ttl=5\n=   w 0 CNAME l\n"
        "=   l 0 CNAME w\n=   m 0 MX 1 web\n=   t 0 TXT x\n=a   _s._tcp 0 SRV 1 2 3 w\n"
        "a 10.89.0.2 fd00::2 web,x.y,*.web,*\nb 10.89.0.3  web\n");
    const std::vector<const NetworkFile*> files{&file};
    return Zones{{std::make_shared<const NetworkZone>(files)},
                 {*IpNetwork::parse("10.89.0.0/24")},
                 {.search_domain = *DomainName::parse("dns.podman")}};
  }();
  return kZones;
}

void require(bool claim) {
  if (!claim) std::abort();
}

// What we send must be a message that anyone can walk.
void require_whole(Bytes message) {
  require(message.size() >= kHeaderSize && (message[2] & 0x80) != 0);
  size_t at = kHeaderSize;
  for (int i = 0; i < read_u16(&message[4]); ++i) {
    const auto end = skip_name(message, at);
    require(end && *end + 4 <= message.size());
    at = *end + 4;
  }
  const int records = read_u16(&message[6]) + read_u16(&message[8]) + read_u16(&message[10]);
  for (int i = 0; i < records; ++i) {
    const auto record = read_record(message, at);
    require(record.has_value());
    at = record->end;
  }
  require(at == message.size());
}

void try_query(Bytes message, Transport transport) {
  static std::vector<uint8_t> reply(kMaximumMessageSize);
  Query query;
  const auto verdict =
      answer(zones(), {0, IpAddress::v4(0x0a590002), transport}, message, query, reply);
  if (const auto* written = std::get_if<Reply>(&verdict)) {
    require(written->size <= reply_limit(query, transport));
    const auto whole = Bytes{reply}.first(written->size);
    require_whole(whole);
    const auto text = describe(whole);
    require(text.answer.size() == read_u16(&whole[6]));
  } else if (std::holds_alternative<Forward>(verdict)) {
    const PendingQuestion pending{query, transport};
    Query again;
    require(decode_query(upstream_query(pending, 1), again) == Decoded::query);
    require(again.type == query.type && again.labels() == query.labels());
  }
}

void try_response(Bytes message) {
  static const auto kQuestion = [] {
    constexpr uint8_t kAsked[] = {0, 1, 1, 0, 0, 1, 0,  0,  0, 0, 0, 1, 1, 'a', 0,
                                  0, 1, 0, 1, 0, 0, 41, 16, 0, 0, 0, 0, 0, 0,   0};
    Query query;
    require(decode_query(kAsked, query) == Decoded::query);
    return PendingQuestion{query, Transport::udp};
  }();
  if (judge(message) == Judgement::garbage) return;
  if (const auto reply = relayed_response(kQuestion, message)) {
    require(reply->size() <= kUdpSize);
    require_whole(*reply);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const Bytes message{bytes, size};
  try_query(message, Transport::udp);
  try_query(message, Transport::tcp);
  try_response(message);
  describe(message);
  return 0;
}
