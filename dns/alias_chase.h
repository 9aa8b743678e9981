// An answer of ours that ends at an alias whose target is somebody else's: what upstream servers
// say of the target makes it whole, because stub resolvers ask no second question. Pure. Asking:
// forwarder.h.
#pragma once

#include <vector>

#include "dns/relay.h"

namespace burrow::dns {

class AliasChase {
 public:
  /// `so_far` is a reply to `query` without OPT record that holds aliases alone; the target of the
  /// last stands at `target` of it, uncompressed and in lower case.
  AliasChase(const Query& query, Transport transport, Bytes so_far, size_t target);

  /// The question about the target; refers to this.
  [[nodiscard]] Query query() const;

  /// The reply to the first query, with the answers of `reply`, which is one to query(), and the
  /// SOA record if there are none; whole records up to the client's size limit, with TC when some
  /// are left out. The aliases with SERVFAIL when `reply` is a failure or broken.
  [[nodiscard]] std::vector<uint8_t> completed(Bytes reply) const;

 private:
  PendingQuestion asked_;
  std::vector<uint8_t> so_far_;
  size_t target_;
  std::vector<uint8_t> question_;  // about the target
};

}  // namespace burrow::dns
