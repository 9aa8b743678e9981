// What makes two forwarded questions the same: name, type, flags, and the servers they go to. Pure.
#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <string_view>

#include "core/ip.h"
#include "dns/message.h"

namespace burrow::dns {

/// More servers than anyone waits for; the others are never asked.
constexpr size_t kMaximumServers = 16;

/// A key for tables, made without allocation. The host's servers are no part of it: what is kept by
/// such keys ends with them.
class QuestionKey {
 public:
  QuestionKey(const Query& query, std::span<const IpAddress> servers) {
    // What the client says about DNSSEC and recursion changes what an upstream answers, and whether
    // it may send more than 512 bytes.
    const auto flags =
        query.flags & (kFlagRecursionDesired | kFlagAuthenticData | kFlagCheckingDisabled);
    const uint8_t edns = !query.edns ? 0 : query.edns->is_dnssec_ok ? 2 : 1;
    add(static_cast<uint8_t>(flags >> 8 | edns << 4));
    add(static_cast<uint8_t>(flags));
    add(static_cast<uint8_t>(query.type >> 8));
    add(static_cast<uint8_t>(query.type));
    add(query.name_size);
    add(query.labels().data(), query.labels().size());
    for (const auto& server : servers.first(std::min(servers.size(), kMaximumServers))) {
      const auto bytes = server.bytes();
      add(static_cast<uint8_t>(bytes.size()));
      add(bytes.data(), bytes.size());
    }
  }

  [[nodiscard]] std::string_view bytes() const { return {bytes_.data(), size_}; }

 private:
  void add(uint8_t byte) { bytes_[size_++] = static_cast<char>(byte); }
  void add(const void* from, size_t size) {
    std::memcpy(&bytes_[size_], from, size);
    size_ += size;
  }

  size_t size_ = 0;
  std::array<char, 5 + kMaximumNameSize + kMaximumServers * 17> bytes_;
};

}  // namespace burrow::dns
