// fuzz: dhcp
// Any bytes as a DHCPv6 message, and as what a client in every state hears.
#include <cstdlib>

#include "dhcp/client6.h"

using namespace burrow;
using namespace burrow::dhcp;

namespace {

const Identity6 kIdentity{.duid = {0, 4, 1, 2, 3}, .iaid = 77};

void require(bool claim) {
  if (!claim) std::abort();
}

void require_usable(const Lease& lease) {
  require(lease.address.address.is_v6() && lease.address.prefix_length == 128);
  require(!lease.address.address.is_link_local() && !lease.address.address.is_multicast());
  require(lease.times.valid >= seconds{2});
  require(lease.times.renew <= lease.times.rebind && lease.times.rebind <= lease.times.valid);
  for (const auto& domain : lease.domains) require(is_domain(domain));
  const auto json = encode(lease);
  const auto again = decode_lease(JsonCursor{json});
  require(again && *again == lease);
}

void converse(Bytes payload) {
  Client6 client{kIdentity, 1};
  Instant now{seconds{1}};
  auto actions = client.start(now);
  Buffer message{payload.begin(), payload.end()};
  for (int turn = 0; turn < 12; ++turn) {
    for (const auto& action : actions) {
      const auto* sent = std::get_if<Multicast>(&action);
      if (sent != nullptr && message.size() >= 4) {
        std::copy_n(sent->payload.begin() + 1, 3, message.begin() + 1);
      }
    }
    // Advertise in turn with reply, whatever the bytes say.
    if (!message.empty()) message[0] = turn % 2 == 0 ? 2 : 7;
    actions = client.on_payload(message, now);
    for (const auto& action : actions) {
      if (const auto* granted = std::get_if<Granted>(&action)) require_usable(granted->lease);
    }
    if (!client.wake_at()) break;
    now = std::max(now, *client.wake_at());
    auto woken = client.on_time(now);
    if (!woken.empty()) actions = std::move(woken);
  }
  client.release(now);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Bytes bytes{data, size};
  if (const auto reply = decode_reply6(bytes, kIdentity.iaid)) {
    if (const auto lease = lease_of(*reply, std::nullopt)) require_usable(*lease);
  }
  converse(bytes);
  return 0;
}
