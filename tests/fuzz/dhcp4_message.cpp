// fuzz: dhcp
// Any bytes as a packet from a link, as a DHCPv4 message, and as what a client in every state
// hears.
#include <cstdlib>

#include "dhcp/client4.h"
#include "dhcp/frame.h"

using namespace burrow;
using namespace burrow::dhcp;

namespace {

constexpr MacAddress kMac{{2, 0, 0, 0, 0, 1}};

void require(bool claim) {
  if (!claim) std::abort();
}

// What is granted must be fit for a link, and come back from its document.
void require_usable(const Lease& lease) {
  require(lease.address.address.is_v4() && !lease.address.address.is_unspecified());
  require(lease.address.prefix_length >= 1 && lease.address.prefix_length <= 32);
  require(lease.times.valid >= seconds{2});
  require(lease.times.renew <= lease.times.rebind && lease.times.rebind <= lease.times.valid);
  require(lease.routes.size() <= 64 && lease.dns_servers.size() <= 8);
  for (const auto& domain : lease.domains) require(is_domain(domain));
  const auto json = encode(lease);
  const auto again = decode_lease(JsonCursor{json});
  require(again && *again == lease);
}

// The same words with the client's own transaction and address: what a hostile server can send.
Buffer addressed(Bytes payload, const Actions4& asked) {
  Buffer message{payload.begin(), payload.end()};
  if (message.size() < 240) return message;
  for (const auto& action : asked) {
    const auto* broadcast = std::get_if<Broadcast>(&action);
    if (broadcast == nullptr) continue;
    std::copy_n(broadcast->payload.begin() + 4, 4, message.begin() + 4);
    std::copy_n(broadcast->payload.begin() + 28, 16, message.begin() + 28);
  }
  return message;
}

void converse(Bytes payload) {
  Client4 client{Identity4{.mac = kMac, .hostname = "web"}, 1};
  Instant now{seconds{1}};
  auto actions = client.start(now);
  for (int turn = 0; turn < 12; ++turn) {
    auto heard = client.on_payload(addressed(payload, actions), now);
    for (const auto& action : heard) {
      if (const auto* granted = std::get_if<Granted>(&action)) require_usable(granted->lease);
    }
    if (!heard.empty()) actions = std::move(heard);
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
  for (const auto checksum : {UdpChecksum::whole, UdpChecksum::unfinished}) {
    if (const auto payload = decode_packet(bytes, checksum)) require(payload->size() < size);
  }
  static_cast<void>(decode_claim(bytes));
  if (const auto reply = decode_reply4(bytes)) {
    if (const auto lease = lease_of(*reply)) require_usable(*lease);
  }
  converse(bytes);
  return 0;
}
