// SipHash-1-3 (Aumasson and Bernstein 2012): a hash whose collisions nobody can make who does not
// know its key. For tables whose keys come from clients.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace burrow::dns {

struct HashKey {
  uint64_t first = 0;
  uint64_t second = 0;
};

inline uint64_t keyed_hash(const HashKey& key, std::string_view bytes) {
  uint64_t a = key.first ^ 0x736f6d6570736575;
  uint64_t b = key.second ^ 0x646f72616e646f6d;
  uint64_t c = key.first ^ 0x6c7967656e657261;
  uint64_t d = key.second ^ 0x7465646279746573;
  const auto round = [&] {
    a += b;
    b = std::rotl(b, 13) ^ a;
    a = std::rotl(a, 32);
    c += d;
    d = std::rotl(d, 16) ^ c;
    a += d;
    d = std::rotl(d, 21) ^ a;
    c += b;
    b = std::rotl(b, 17) ^ c;
    c = std::rotl(c, 32);
  };
  const auto mix = [&](uint64_t word) {
    d ^= word;
    round();
    a ^= word;
  };
  uint64_t last = uint64_t{bytes.size()} << 56U;
  while (bytes.size() >= sizeof(uint64_t)) {
    uint64_t word = 0;
    std::memcpy(&word, bytes.data(), sizeof word);
    mix(word);
    bytes.remove_prefix(sizeof word);
  }
  uint64_t rest = 0;
  if (!bytes.empty()) std::memcpy(&rest, bytes.data(), bytes.size());
  mix(last | rest);
  c ^= 0xff;
  round();
  round();
  round();
  return a ^ b ^ c ^ d;
}

}  // namespace burrow::dns
