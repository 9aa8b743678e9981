#include "firewall/named_peers_end.h"

#include <algorithm>
#include <cerrno>
#include <vector>

#include "firewall/close_named.h"
#include "firewall/limits.h"
#include "firewall/messages.h"
#include "firewall/netlink.h"
#include "firewall/session.h"

namespace burrow::firewall {
namespace {

// An element may end between two messages of a batch that concern it (kernels before 6.8).
constexpr int kMostAttempts = 3;

}  // namespace

std::set<Field> gone_through_gate(std::span<const Element> leaving) {
  std::set<Field> owners;
  for (const auto& element : leaving) {
    if (is_gate(element.set)) owners.insert(element.key.front());
  }
  return owners;
}

Result<void> end_named_peers(Session& session, const std::set<Field>& owners) {
  if (owners.empty()) return {};
  for (int attempt = 1;; ++attempt) {
    Messages batch;
    put_batch_begin(batch, std::nullopt);
    const auto before = batch.count();
    for (const auto& shape : all_shapes()) {
      if (shape.filled_by != FilledBy::answers) continue;
      auto peers = TRY(session.read_most_of(shape.set));
      std::erase_if(peers, [&](const Element& one) { return !owners.contains(one.key.front()); });
      if (peers.empty()) continue;
      // What has ended by itself meanwhile is put in before it is taken out.
      put_ensure_elements(batch, peers);
      put_delete_elements(batch, peers);
    }
    if (batch.count() == before) return {};
    put_batch_end(batch);
    const auto refusals = TRY(session.commit(batch));
    if (refusals.empty()) return {};
    const auto code = refusals.front().code;
    if (attempt < kMostAttempts && (code == ENOENT || code == EAGAIN)) continue;
    return system_failure(code, "end what names in lists stood for");
  }
}

Result<void> close_named(std::span<const Field> owners) {
  auto socket = TRY(NetfilterSocket::open());
  Session session{socket};
  return end_named_peers(session, {owners.begin(), owners.end()});
}

}  // namespace burrow::firewall
