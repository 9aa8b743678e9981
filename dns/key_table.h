// Byte strings to dense indices, by open addressing: one probe and one comparison per lookup, the
// same at ten keys and at ten thousand. Grows only; nothing is removed.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace burrow::dns {

/// Numbers its keys 0, 1, 2, ... in the order of their first insertion.
class KeyTable {
 public:
  /// The index of `key`, which is added when it is new.
  uint32_t insert(std::string_view key) {
    if ((keys_.size() + 1) * 2 > slots_.size()) grow();
    const auto hash = hash_of(key);
    Slot& slot = slots_[probe(key, hash)];
    if (slot.next_index == 0) {
      keys_.push_back({static_cast<uint32_t>(bytes_.size()), static_cast<uint32_t>(key.size())});
      bytes_ += key;
      slot = {hash, static_cast<uint32_t>(keys_.size())};
    }
    return slot.next_index - 1;
  }

  [[nodiscard]] std::optional<uint32_t> find(std::string_view key) const {
    if (slots_.empty()) return {};
    const Slot& slot = slots_[probe(key, hash_of(key))];
    if (slot.next_index == 0) return {};
    return slot.next_index - 1;
  }

  /// Valid until the next insertion.
  [[nodiscard]] std::string_view key(uint32_t index) const {
    return std::string_view{bytes_}.substr(keys_[index].begin, keys_[index].size);
  }
  [[nodiscard]] uint32_t size() const { return static_cast<uint32_t>(keys_.size()); }

 private:
  struct Slot {
    uint32_t hash = 0;
    uint32_t next_index = 0;  // index + 1; 0 marks a free slot
  };
  struct Key {
    uint32_t begin = 0;
    uint32_t size = 0;
  };

  // Eight bytes at a time; keys are short. Who chooses keys configures the daemon, so that
  // collisions on purpose are nobody's gain.
  static uint32_t hash_of(std::string_view key) {
    constexpr uint64_t kMultiplier = 0x9e3779b97f4a7c15;
    uint64_t hash = key.size() * kMultiplier;
    const auto mix = [&](uint64_t word) {
      hash = (hash ^ word) * kMultiplier;
      hash ^= hash >> 32U;
    };
    while (key.size() >= sizeof(uint64_t)) {
      uint64_t word = 0;
      std::memcpy(&word, key.data(), sizeof word);
      mix(word);
      key.remove_prefix(sizeof word);
    }
    if (!key.empty()) {
      uint64_t word = 0;
      std::memcpy(&word, key.data(), key.size());
      mix(word);
    }
    return static_cast<uint32_t>(hash);
  }

  // The slot of `key`, or the free one where it belongs. The table is never full.
  [[nodiscard]] size_t probe(std::string_view wanted, uint32_t hash) const {
    const size_t mask = slots_.size() - 1;
    for (size_t at = hash & mask;; at = (at + 1) & mask) {
      const Slot& slot = slots_[at];
      if (slot.next_index == 0) return at;
      if (slot.hash == hash && key(slot.next_index - 1) == wanted) return at;
    }
  }

  void grow() {
    std::vector<Slot> old(slots_.empty() ? 16 : slots_.size() * 2);
    old.swap(slots_);
    const size_t mask = slots_.size() - 1;
    for (const Slot& slot : old) {
      if (slot.next_index == 0) continue;
      size_t at = slot.hash & mask;
      while (slots_[at].next_index != 0) at = (at + 1) & mask;
      slots_[at] = slot;
    }
  }

  std::vector<Slot> slots_;
  std::vector<Key> keys_;
  std::string bytes_;
};

}  // namespace burrow::dns
