#include "dns/cache.h"

#include <algorithm>
#include <cstring>

namespace burrow::dns {
namespace {

using std::chrono::seconds;

constexpr size_t kFirstBuckets = 64;
// What the allocator adds to a block, and an entry's part of the buckets.
constexpr size_t kOverhead = 16 + 2 * sizeof(uint32_t);
// A name is hot when it was asked for so often; it is asked anew in the last tenth of its time.
constexpr uint8_t kHotHits = 3;
constexpr int kRefreshPart = 10;

}  // namespace

Cache::Cache(const CacheLimits& limits, const HashKey& hash_key)
    : limits_(limits), hash_key_(hash_key), buckets_(kFirstBuckets, kNone) {}

std::optional<Cache::Found> Cache::find(std::string_view key, Time now) {
  const uint32_t index = find_entry(key, keyed_hash(hash_key_, key));
  if (index == kNone) return {};
  Entry& entry = entries_[index];
  const auto end = entry.stored + entry.ttl;
  if (now >= end && (!entry.stale_until || now >= *entry.stale_until)) return {};
  unlink_use(index);
  link_newest(index);
  auto found = show(entry, now);
  if (entry.hits < kHotHits) ++entry.hits;
  if (!found.is_stale && !entry.is_refreshing && entry.hits == kHotHits &&
      end - now <= entry.ttl / kRefreshPart) {
    entry.is_refreshing = true;
    found.is_to_refresh = true;
  }
  return found;
}

std::optional<Cache::Found> Cache::find_stale(std::string_view key, Time now) {
  const uint32_t index = find_entry(key, keyed_hash(hash_key_, key));
  if (index == kNone) return {};
  const Entry& entry = entries_[index];
  if (now >= entry.stored + entry.ttl + limits_.longest_stale) return {};
  // A kept failure is no answer.
  const auto rcode = static_cast<Rcode>(read_u16(&show(entry, now).response[2]) & kMaskRcode);
  if (rcode == Rcode::server_failure) return {};
  return show(entry, now);
}

void Cache::insert(std::string_view key, const KeptAnswer& answer, Time now) {
  const auto hash = keyed_hash(hash_key_, key);
  if (const uint32_t old = find_entry(key, hash); old != kNone) remove(old);
  const size_t ttl_size = answer.ttls.size() * sizeof(uint16_t);
  const size_t size = ttl_size + key.size() + answer.response.size();
  const size_t cost = size + sizeof(Entry) + kOverhead;
  if (cost > limits_.bytes / 4) return;
  while (bytes_ + cost > limits_.bytes) remove(oldest_);

  if (free_ == kNone) {
    free_ = static_cast<uint32_t>(entries_.size());
    entries_.emplace_back();
  }
  const uint32_t index = free_;
  Entry& entry = entries_[index];
  free_ = entry.next;
  entry = Entry{.hash = hash,
                .stored = now,
                .ttl = answer.ttl,
                .key_size = static_cast<uint32_t>(key.size()),
                .ttl_count = static_cast<uint32_t>(answer.ttls.size()),
                .response_size = static_cast<uint32_t>(answer.response.size()),
                .block = std::make_unique_for_overwrite<uint8_t[]>(size)};
  uint8_t* at = entry.block.get();
  if (ttl_size > 0) std::memcpy(at, answer.ttls.data(), ttl_size);
  std::memcpy(at + ttl_size, key.data(), key.size());
  std::memcpy(at + ttl_size + key.size(), answer.response.data(), answer.response.size());
  bytes_ += cost;
  ++count_;
  if (count_ > buckets_.size()) grow();
  uint32_t& bucket = buckets_[hash & (buckets_.size() - 1)];
  entry.next = std::exchange(bucket, index);
  link_newest(index);
}

bool Cache::serve_stale(std::string_view key, Time now) {
  if (!find_stale(key, now)) return false;
  entries_[find_entry(key, keyed_hash(hash_key_, key))].stale_until = now + limits_.stale_retry;
  return true;
}

void Cache::clear() {
  entries_.clear();
  buckets_.assign(kFirstBuckets, kNone);
  free_ = newest_ = oldest_ = kNone;
  count_ = bytes_ = 0;
}

uint32_t Cache::find_entry(std::string_view key, uint64_t hash) const {
  for (uint32_t at = buckets_[hash & (buckets_.size() - 1)]; at != kNone; at = entries_[at].next) {
    if (entries_[at].hash == hash && entries_[at].key() == key) return at;
  }
  return kNone;
}

Cache::Found Cache::show(const Entry& entry, Time now) const {
  const uint8_t* const block = entry.block.get();
  return {.response = {block + entry.ttl_count * sizeof(uint16_t) + entry.key_size,
                       entry.response_size},
          .ttls = {reinterpret_cast<const uint16_t*>(block), entry.ttl_count},
          .age = std::chrono::duration_cast<seconds>(now - entry.stored),
          .is_stale = now >= entry.stored + entry.ttl};
}

void Cache::remove(uint32_t index) {
  Entry& entry = entries_[index];
  uint32_t* link = &buckets_[entry.hash & (buckets_.size() - 1)];
  while (*link != index) link = &entries_[*link].next;
  *link = entry.next;
  unlink_use(index);
  bytes_ -= entry.block_size() + sizeof(Entry) + kOverhead;
  --count_;
  entry = Entry{};
  entry.next = std::exchange(free_, index);
}

void Cache::unlink_use(uint32_t index) {
  const Entry& entry = entries_[index];
  (entry.newer == kNone ? newest_ : entries_[entry.newer].older) = entry.older;
  (entry.older == kNone ? oldest_ : entries_[entry.older].newer) = entry.newer;
}

void Cache::link_newest(uint32_t index) {
  Entry& entry = entries_[index];
  entry.newer = kNone;
  entry.older = std::exchange(newest_, index);
  (entry.older == kNone ? oldest_ : entries_[entry.older].newer) = index;
}

void Cache::grow() {
  buckets_.assign(buckets_.size() * 2, kNone);
  for (uint32_t index = newest_; index != kNone; index = entries_[index].older) {
    uint32_t& bucket = buckets_[entries_[index].hash & (buckets_.size() - 1)];
    entries_[index].next = std::exchange(bucket, index);
  }
}

}  // namespace burrow::dns
