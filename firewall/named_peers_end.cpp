#include "firewall/named_peers_end.h"

#include <algorithm>
#include <cerrno>
#include <vector>

#include "firewall/limits.h"
#include "firewall/messages.h"
#include "firewall/netlink.h"
#include "firewall/session.h"

namespace burrow::firewall {

std::set<Field> gone_through_gate(std::span<const Element> leaving) {
  std::set<Field> owners;
  for (const auto& element : leaving) {
    if (is_gate(element.set)) owners.insert(element.key.front());
  }
  return owners;
}

Result<void> end_named_peers(Session& session, const std::set<Field>& owners) {
  if (owners.empty()) return {};
  Messages batch;
  put_batch_begin(batch, std::nullopt);
  const auto before = batch.count();
  for (const auto& shape : all_shapes()) {
    if (shape.filled_by != FilledBy::answers) continue;
    auto peers = TRY(session.read_most_of(shape.set));
    std::erase_if(peers, [&](const Element& one) { return !owners.contains(one.key.front()); });
    if (peers.empty()) continue;
    // Some may have ended by themselves by now.
    put_ensure_elements(batch, peers);
    put_delete_elements(batch, peers);
  }
  if (batch.count() == before) return {};
  put_batch_end(batch);
  const auto refusals = TRY(session.commit(batch));
  if (refusals.empty()) return {};
  if (std::ranges::any_of(refusals, [](const Refusal& one) { return one.code == ENOENT; })) {
    return {};
  }
  return system_failure(refusals.front().code, "end what names in lists stood for");
}

}  // namespace burrow::firewall
