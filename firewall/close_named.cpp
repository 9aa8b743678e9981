#include "firewall/close_named.h"

#include <algorithm>
#include <cerrno>

#include "firewall/messages.h"
#include "firewall/netlink.h"
#include "firewall/ruleset.h"
#include "firewall/session.h"

namespace burrow::firewall {
namespace {

// An element may end between two messages of a batch that concern it (kernels before 6.8).
constexpr int kAttempts = 3;

bool is_again(const Refusal& refusal) { return refusal.code == ENOENT || refusal.code == EAGAIN; }

}  // namespace

Result<void> close_named(std::span<const Field> owners) {
  auto socket = TRY(NetfilterSocket::open());
  Session session{socket};
  for (int attempt = 1;; ++attempt) {
    Messages batch;
    // Bound to no generation: the DNS daemon changes these sets all the time.
    put_batch_begin(batch, std::nullopt);
    for (const auto& shape : all_shapes()) {
      if (shape.filled_by != FilledBy::answers) continue;
      auto elements = TRY(session.read_set(shape.set));
      std::erase_if(elements, [&](const Element& element) {
        return std::ranges::find(owners, element.key.front()) == owners.end();
      });
      if (elements.empty()) continue;
      // What has ended by itself meanwhile is put in before it is taken out.
      put_ensure_elements(batch, elements);
      put_delete_elements(batch, elements);
    }
    if (batch.count() == 1) return {};
    put_batch_end(batch);
    const auto refusals = TRY(session.commit(batch));
    if (refusals.empty()) return {};
    const auto& first = refusals.front();
    if (attempt < kAttempts && is_again(first)) continue;
    return system_failure(first.code, "close names in the firewall");
  }
}

}  // namespace burrow::firewall
