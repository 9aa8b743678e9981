// fuzz: dns
#include <cstdint>
#include <cstdlib>

#include "dns/answered_addresses.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const auto answered = burrow::dns::read_addresses({bytes, size});
  if (!answered) return 0;
  if (answered->addresses.empty() || answered->addresses.size() > 256) std::abort();
  if (answered->name.empty() || answered->name.front() == '.' || answered->name.back() == '.') {
    std::abort();
  }
  for (const auto& one : answered->addresses) {
    if (one.ttl.count() < 0) std::abort();
  }
  return 0;
}
