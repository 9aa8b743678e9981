// Answers of upstreams, kept for the next client: bounded in bytes, the least recently used goes
// first. Pure: told the time; nothing of our own zones ever gets here. What may be kept and how it
// is given out: kept_answer.h.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "dns/event_loop.h"
#include "dns/kept_answer.h"
#include "dns/keyed_hash.h"

namespace burrow::dns {

struct CacheLimits {
  size_t bytes = size_t{4} << 20U;  ///< of all that it holds; 0: nothing is kept
  /// How long past its TTL an answer may still serve when no upstream answers (RFC 8767).
  std::chrono::seconds longest_stale = std::chrono::hours{24};
  /// How long nobody is asked again after that happened.
  std::chrono::seconds stale_retry{30};
};

class Cache {
 public:
  using Time = Clock::time_point;

  /// Keys come from clients, so `hash_key` must be random.
  Cache(const CacheLimits& limits, const HashKey& hash_key);

  /// What is kept, valid until the next call.
  struct Found {
    Bytes response;
    std::span<const uint16_t> ttls;
    std::chrono::seconds age{0};
    bool is_stale = false;  ///< past its TTL
    /// Asked for often and about to end: worth being asked anew now. Told once.
    bool is_to_refresh = false;
  };
  /// What answers `key` without asking anyone: what is fresh, or stale while that is the rule.
  std::optional<Found> find(std::string_view key, Time now);
  /// What may serve although it is past its TTL; also what is fresh.
  std::optional<Found> find_stale(std::string_view key, Time now);

  /// Keeps `answer` instead of what was there; what is too large is not kept at all.
  void insert(std::string_view key, const KeptAnswer& answer, Time now);
  /// No upstream answered: for a while find() gives what is stale. False when there is nothing.
  bool serve_stale(std::string_view key, Time now);
  void clear();

  [[nodiscard]] size_t entries() const { return count_; }
  [[nodiscard]] size_t bytes() const { return bytes_; }

 private:
  static constexpr uint32_t kNone = ~uint32_t{0};
  struct Entry {
    uint64_t hash = 0;
    Time stored;
    std::chrono::seconds ttl{0};
    std::optional<Time> stale_until;
    uint32_t next = kNone;   // of the same bucket, or the next free one
    uint32_t newer = kNone;  // by use
    uint32_t older = kNone;
    uint32_t key_size = 0;
    uint32_t ttl_count = 0;
    uint32_t response_size = 0;
    uint8_t hits = 0;
    bool is_refreshing = false;
    // The key, the response and the places of TTLs.
    std::unique_ptr<uint8_t[]> block;

    [[nodiscard]] std::string_view key() const {
      return {reinterpret_cast<const char*>(block.get() + ttl_count * sizeof(uint16_t)), key_size};
    }
    [[nodiscard]] size_t block_size() const {
      return ttl_count * sizeof(uint16_t) + key_size + response_size;
    }
  };

  [[nodiscard]] uint32_t find_entry(std::string_view key, uint64_t hash) const;
  [[nodiscard]] Found show(const Entry& entry, Time now) const;
  void remove(uint32_t index);
  void unlink_use(uint32_t index);
  void link_newest(uint32_t index);
  void grow();

  CacheLimits limits_;
  HashKey hash_key_;
  std::vector<Entry> entries_;
  std::vector<uint32_t> buckets_;
  uint32_t free_ = kNone;
  uint32_t newest_ = kNone;
  uint32_t oldest_ = kNone;
  size_t count_ = 0;
  size_t bytes_ = 0;
};

}  // namespace burrow::dns
