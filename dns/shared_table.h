// Byte strings to values in parts that copies share until one of them is edited: a copy with one
// change costs that part alone. One probe and one comparison per lookup, at ten keys and at ten
// thousand.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace burrow::dns {

/// A hash table of value semantics. Copies may be read by one thread while another edits its own.
template <typename Value>
class SharedTable {
 public:
  /// Null when there is no such key. Valid until this table is edited.
  [[nodiscard]] const Value* find(std::string_view key) const {
    const auto hash = hash_of(key);
    const Part* part = parts_[hash % kParts].get();
    return part == nullptr ? nullptr : part->find(key, hash);
  }

  /// The value of `key`, made if it is missing. Valid until the next edit.
  Value& edit(std::string_view key) {
    const auto hash = hash_of(key);
    Part& part = own(hash % kParts);
    const auto before = part.entries.size();
    Value& value = part.insert(key, hash);
    size_ += part.entries.size() - before;
    return value;
  }

  void erase(std::string_view key) {
    const auto hash = hash_of(key);
    if (find(key) == nullptr) return;
    own(hash % kParts).erase(key, hash);
    --size_;
  }

  [[nodiscard]] size_t size() const { return size_; }

  /// Calls `visit(key, value)` for each, in no order that means anything.
  template <typename Visit>
  void for_each(Visit visit) const {
    for (const auto& part : parts_) {
      if (part == nullptr) continue;
      for (const auto& entry : part->entries) visit(std::string_view{entry.key}, entry.value);
    }
  }

  /// Calls `visit(key)` for every key that may have another value in `other` or be in one of the
  /// two alone; some are visited that have not changed.
  template <typename Visit>
  void for_each_difference(const SharedTable& other, Visit visit) const {
    for (size_t i = 0; i < kParts; ++i) {
      if (parts_[i] == other.parts_[i]) continue;
      for (const auto* part : {parts_[i].get(), other.parts_[i].get()}) {
        if (part == nullptr) continue;
        for (const auto& entry : part->entries) visit(std::string_view{entry.key});
      }
    }
  }

 private:
  static constexpr size_t kParts = 1024;
  static constexpr unsigned kPartBits = 10;

  struct Entry {
    uint32_t hash = 0;
    std::string key;
    Value value;
  };
  struct Slot {
    uint32_t hash = 0;
    uint32_t next_index = 0;  // index + 1; 0 marks a free slot
  };

  // Open addressing; at most half full.
  struct Part {
    std::vector<Slot> slots;
    std::vector<Entry> entries;

    [[nodiscard]] const Value* find(std::string_view key, uint32_t hash) const {
      const Slot& slot = slots[probe(key, hash)];
      return slot.next_index == 0 ? nullptr : &entries[slot.next_index - 1].value;
    }

    Value& insert(std::string_view key, uint32_t hash) {
      if ((entries.size() + 1) * 2 > slots.size()) fill_slots((entries.size() + 1) * 2);
      Slot& slot = slots[probe(key, hash)];
      if (slot.next_index == 0) {
        entries.push_back({hash, std::string{key}, Value{}});
        slot = {hash, static_cast<uint32_t>(entries.size())};
      }
      return entries[slot.next_index - 1].value;
    }

    void erase(std::string_view key, uint32_t hash) {
      const size_t index = slots[probe(key, hash)].next_index - 1;
      if (index + 1 != entries.size()) entries[index] = std::move(entries.back());
      entries.pop_back();
      fill_slots(slots.size());
    }

    // The slot of `wanted`, or the free one where it belongs.
    [[nodiscard]] size_t probe(std::string_view wanted, uint32_t hash) const {
      const size_t mask = slots.size() - 1;
      for (size_t at = (hash >> kPartBits) & mask;; at = (at + 1) & mask) {
        const Slot& slot = slots[at];
        if (slot.next_index == 0) return at;
        if (slot.hash == hash && entries[slot.next_index - 1].key == wanted) return at;
      }
    }

    void fill_slots(size_t at_least) {
      size_t count = 4;
      while (count < at_least) count *= 2;
      slots.assign(count, {});
      for (size_t i = 0; i < entries.size(); ++i) {
        size_t at = (entries[i].hash >> kPartBits) & (count - 1);
        while (slots[at].next_index != 0) at = (at + 1) & (count - 1);
        slots[at] = {entries[i].hash, static_cast<uint32_t>(i + 1)};
      }
    }
  };

  // The part for editing: copied when another table has it too.
  Part& own(size_t index) {
    auto& part = parts_[index];
    if (part == nullptr) {
      part = std::make_shared<Part>();
    } else if (part.use_count() != 1) {
      part = std::make_shared<Part>(*part);
    }
    return *part;
  }

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

  std::array<std::shared_ptr<Part>, kParts> parts_;
  size_t size_ = 0;
};

}  // namespace burrow::dns
