// Who may have how many questions out at upstreams, so that no client starves another. Pure.
#pragma once

#include <algorithm>
#include <functional>
#include <string_view>
#include <unordered_map>

#include "core/ip.h"

namespace burrow::dns {

struct HashAddress {
  size_t operator()(const IpAddress& address) const {
    const auto bytes = address.bytes();
    return std::hash<std::string_view>{}(
        {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
};

/// Counts what clients hold of a bounded whole. A client may hold at most half of what is still
/// free, so the more there are that want much, the less each gets, and a newcomer always gets
/// something (dynamic thresholds, Choudhury and Hahne 1998).
class ClientShares {
 public:
  ClientShares(size_t whole, size_t largest_share) : whole_(whole), largest_share_(largest_share) {}

  /// False when `client` has its share already.
  bool take(const IpAddress& client) {
    const size_t allowed = std::min(largest_share_, (whole_ - taken_ + 1) / 2);
    const auto held = held_.find(client);
    if ((held == held_.end() ? 0 : held->second) >= allowed) return false;
    ++held_[client];
    ++taken_;
    return true;
  }

  /// Gives back one of those that were taken.
  void give_back(const IpAddress& client) {
    const auto held = held_.find(client);
    if (--held->second == 0) held_.erase(held);
    --taken_;
  }

  [[nodiscard]] size_t taken() const { return taken_; }

 private:
  size_t whole_;
  size_t largest_share_;
  size_t taken_ = 0;
  std::unordered_map<IpAddress, size_t, HashAddress> held_;
};

}  // namespace burrow::dns
