// What nftables.h asks the kernel about the table, for this folder alone: reads whole values, hides
// how many messages they take.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/result.h"
#include "firewall/elements.h"
#include "firewall/netlink.h"
#include "firewall/replies.h"

namespace burrow::firewall {

/// What the kernel has where a change wants to write.
struct Found {
  uint32_t generation = 0;                       ///< of the firewall before the first lookup
  std::vector<std::optional<Element>> elements;  ///< one per lookup
};

/// Borrows the socket.
class Session {
 public:
  explicit Session(NetfilterSocket& socket) : socket_(socket) {}

  /// For each element, what is at its key; for intervals, what is at its first key.
  Result<Found> look_up(std::span<const Element> elements);
  /// The elements of a set, sorted by key; none when the set does not exist.
  Result<std::vector<Element>> read_set(SetName set);
  /// The same of a set that others change all the time: most of it, for who can do with that.
  Result<std::vector<Element>> read_most_of(SetName set);
  /// The names of the chains of our table.
  Result<std::vector<std::string>> chains();
  /// The chains of our table, with where they hang.
  Result<std::vector<KernelChain>> whole_chains();
  /// The rules of our table, each chain's in their order.
  Result<std::vector<KernelRule>> rules();
  /// The sets and maps of our table.
  Result<std::vector<KernelSet>> sets();
  Result<std::vector<Refusal>> commit(Messages& batch) { return socket_.commit(batch); }

 private:
  NetfilterSocket& socket_;
};

}  // namespace burrow::firewall
